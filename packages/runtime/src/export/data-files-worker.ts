/** The thread behind data-files.ts. In: data files to write, as messages. Out: bytes as they are written, files as they are finished. */
import { parentPort, workerData } from "node:worker_threads";
import { toOrreryError } from "@orrery/chat";
import { openCheckpoint } from "../checkpoint/checkpoint.ts";
import { materialize } from "../weights/materialize.ts";
import { writeDataFile } from "./data-file.ts";
import type { WriterData, WriterMessage } from "./data-files.ts";
import type { DataFile } from "./plan.ts";

const { checkpoint: path, directory } = workerData as WriterData;
const port = parentPort!;
const opened = openCheckpoint(path);
opened.catch(() => {}); // told when the first file asks for it

function tell(message: WriterMessage): void {
  port.postMessage(message);
}

async function write(file: DataFile): Promise<void> {
  try {
    const checkpoint = await opened;
    const entry = await writeDataFile(
      directory,
      file,
      (weight, sink) => materialize(weight, checkpoint, sink),
      (bytes, weight) => tell({ kind: "bytes", bytes, weight }),
    );
    tell({ kind: "file", entry });
  } catch (thrown) {
    const { code, message, hint } = toOrreryError(thrown, "export/writer-died");
    tell({ kind: "failure", code, message, hint });
  }
}

port.on("message", (file: DataFile) => void write(file));
