/** Whether an error of the operating system says that no more files can be open, here or on the whole machine. */
export function isExhausted(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EMFILE" || code === "ENFILE";
}
