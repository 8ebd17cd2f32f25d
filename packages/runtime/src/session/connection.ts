/**
 * The main thread's end of the worker. In: requests. Out: their replies, as promises. Law: every request settles, whether the worker
 * answers, dies or is closed; the process may end whenever no request is waiting.
 */
import type { Worker } from "node:worker_threads";
import { CacheMemoryError, SessionError } from "../errors.ts";
import type { Answer, Failure, Message, Notice, Reply, Request, Result } from "./protocol.ts";

interface Waiting {
  resolve(result: Result): void;
  reject(error: SessionError): void;
}

export class Connection {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exit: Promise<void>;
  #nextId = 1;
  /** Why nothing more can be asked; null while the worker serves. */
  #ended: SessionError | null = null;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (reply: Reply) => this.#settle(reply));
    worker.on("error", (error) => this.#end(died(error instanceof Error ? error.message : String(error), error)));
    worker.on("messageerror", (error) => {
      this.#end(died(error.message, error));
      void worker.terminate(); // it is alive, and would not be told to close
    });
    this.#exit = new Promise((resolve) => {
      worker.on("exit", (code) => {
        this.#end(died(`it ended with code ${code}`));
        resolve();
      });
    });
  }

  /** Buffers in `transfer` are handed over. @throws SessionError what the worker answered, `session/worker-died`, `session/disposed` */
  ask<R extends Request>(request: R, transfer: readonly ArrayBuffer[] = []): Promise<Answer<R>> {
    if (this.#ended !== null) return Promise.reject(again(this.#ended));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (this.#waiting.size === 0) this.#worker.ref();
      this.#waiting.set(id, { resolve: resolve as Waiting["resolve"], reject });
      this.#send({ id, request }, transfer);
    });
  }

  tell(notice: Notice): void {
    if (this.#ended === null) this.#send({ id: null, notice });
  }

  /** Rejects what is waiting with `session/disposed`, lets the run that is on finish, and resolves when the worker is gone. */
  close(): Promise<void> {
    this.tell({ kind: "close" });
    this.#end(new SessionError("session/disposed", "the session was disposed", { hint: "load the model again, or dispose it later" }));
    this.#worker.ref();
    return this.#exit;
  }

  #send(message: Message, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ("result" in reply) waiting.resolve(reply.result);
    else waiting.reject(thrownAgain(reply.failure));
  }

  /** The first reason counts. */
  #end(reason: SessionError): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    this.#worker.unref();
    for (const waiting of this.#waiting.values()) waiting.reject(again(reason));
    this.#waiting.clear();
  }
}

function thrownAgain({ code, message, hint, cause, memory }: Failure): SessionError {
  if (memory !== undefined) return new CacheMemoryError(memory.needed, memory.budget, memory.left);
  return new SessionError(code, message, { hint, cause });
}

function died(why: string, cause?: unknown): SessionError {
  return new SessionError("session/worker-died", `the engine's worker thread is gone: ${why}`, { hint: "open the session again", cause });
}

/** A fresh error for each caller, so that each has its own stack. */
function again({ code, message, hint, cause }: SessionError): SessionError {
  return new SessionError(code, message, { hint, cause });
}
