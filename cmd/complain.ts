/** Tells whoever runs the command what went wrong, on stderr. */
export function complain(message: string): void {
  process.stderr.write(`ociregistry: ${message}\n`);
}
