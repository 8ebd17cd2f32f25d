/** Where in a schema something is, for messages. */
export interface Where {
  /** What the schema describes: "tool 'search'", "the answer". */
  readonly subject: string;
  /** JSON pointer of the schema's part; "" is the whole. */
  readonly pointer: string;
}
