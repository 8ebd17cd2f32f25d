/**
 * An export that ends itself in the middle, as kill -9 or a power failure would. In: checkpoint, target and the share after which it ends
 * (1: never), as arguments. Out: on stdout the bytes that were done when it began to write.
 */
import { exportModel } from "./export.ts";

const [checkpoint, out, share, threads] = process.argv.slice(2) as [string, string, string, string];
let first: number | null = null;
await exportModel(checkpoint, {
  out,
  weights: "float32",
  experts: "merged",
  threads: Number(threads),
  onProgress({ bytes, total }) {
    if (first === null) process.stdout.write(String((first = bytes)));
    if (bytes > Number(share) * total) process.kill(process.pid, "SIGKILL");
  },
});
