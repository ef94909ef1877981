/** Tells programs what was done, on standard output: one JSON object a line. */
export function report(did: string, facts: Record<string, string | boolean> = {}): void {
  process.stdout.write(`${JSON.stringify({ did, ...facts })}\n`);
}

/** Tells people, on standard error. */
export function say(words: string): void {
  process.stderr.write(`${words}\n`);
}
