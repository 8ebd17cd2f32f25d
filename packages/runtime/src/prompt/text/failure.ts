/** Why a call could not be read: what a reading of one throws, caught where the call began. */

/** What was read is no call. */
export class BrokenCall extends Error {}

/** The text ended inside a call. */
export class CutCall extends Error {
  /** Whether the text ended behind a value or an opening bracket, not inside a value. */
  readonly betweenValues: boolean;

  constructor(betweenValues: boolean) {
    super("the text ends inside a call");
    this.betweenValues = betweenValues;
  }
}

/** How often a reply may be read again from an earlier place: each time costs at most its length. */
export interface Retries {
  left: number;
}

export const MAX_RETRIES = 16;
