/** A session whose model is in a worker. In: what its sequences share. Out: sequences, made, stepped together and restored. */
import type { Fingerprint } from "./fingerprint.ts";
import { noSnapshots, RemoteSequence, type SequenceHost } from "./remote-sequence.ts";
import type { Prepacked, Session, Step } from "./session.ts";
import { readSnapshot } from "./snapshot.ts";

export class WorkerSession implements Session {
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly sparseHead: boolean;
  readonly prepacked: Prepacked;
  readonly fingerprint: Fingerprint | null;
  readonly #host: SequenceHost;
  #closed: Promise<void> | null = null;

  constructor(host: SequenceHost, prepacked: Prepacked) {
    this.contextLength = host.shape.contextLength;
    this.vocabularySize = host.shape.vocabularySize;
    this.sparseHead = host.sparseHead;
    this.prepacked = prepacked;
    this.fingerprint = host.snapshots?.fingerprint ?? null;
    this.#host = host;
  }

  createSequence(): RemoteSequence {
    return new RemoteSequence(this.#host);
  }

  step(steps: readonly Step[]): Promise<Float32Array[]> {
    return RemoteSequence.step(this.#host, steps);
  }

  async restore(bytes: Uint8Array): Promise<RemoteSequence> {
    const { snapshots, connection, scheduler } = this.#host;
    if (snapshots === null) throw noSnapshots();
    for (;;) {
      const { tokens, reach, rows } = await readSnapshot(bytes, snapshots);
      const id = this.#host.nextId();
      try {
        const buffers = rows.map(({ buffer }) => buffer); // handed over, so that the rows are there once
        await connection.ask({ kind: "restore", sequence: id, length: tokens.length, reach, rows }, buffers);
        return new RemoteSequence(this.#host, { id, tokens: [...tokens], reach });
      } catch (thrown) {
        if (!scheduler.makesRoom(thrown)) throw thrown;
      }
    }
  }

  whenFull(free: () => boolean): void {
    const before = this.#host.scheduler.makeRoom;
    this.#host.scheduler.makeRoom = () => before() || free();
  }

  dispose(): Promise<void> {
    this.#closed ??= this.#host.connection.close();
    return this.#closed;
  }
}
