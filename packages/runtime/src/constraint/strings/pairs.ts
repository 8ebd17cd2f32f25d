/** Pairs of numbers, numbered as they are met. In: two whole numbers. Out: a number. Law: equal pairs have one number. */
export class Pairs {
  readonly #known = new Map<number, Map<number, number>>();
  readonly #first: number[] = [];
  readonly #second: number[] = [];

  get size(): number {
    return this.#first.length;
  }

  intern(first: number, second: number): number {
    let seconds = this.#known.get(first);
    if (!seconds) {
      seconds = new Map();
      this.#known.set(first, seconds);
    }
    let id = seconds.get(second);
    if (id === undefined) {
      id = this.#first.push(first) - 1;
      this.#second.push(second);
      seconds.set(second, id);
    }
    return id;
  }

  first(id: number): number {
    return this.#first[id]!;
  }

  second(id: number): number {
    return this.#second[id]!;
  }
}
