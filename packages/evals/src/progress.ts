/** How far a long measurement is: one line on a terminal's standard error, written over; nothing elsewhere. */

/** Tells turns that are done. */
export function progress(name: string): (done: number, total: number) => void {
  return (done, total) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${name} ${done}/${total} `);
  };
}

/** Clears the line. */
export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
}
