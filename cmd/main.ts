import { parseCommand, USAGE } from "./usage.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The command line. What a person got wrong is one line on stderr and exit code 2; everything else that fails is a bug
 * and shows its stack.
 */
async function main(args: readonly string[]): Promise<void> {
  const command = parseCommand(args);
  switch (command.name) {
    case "help":
      process.stdout.write(USAGE);
      return;
    case "version": {
      const { version } = await import("./version.ts");
      process.stdout.write(`${version}\n`);
      return;
    }
    case "list": {
      const { list } = await import("./list.ts");
      process.stdout.write(await list(command));
      return;
    }
    case "check": {
      const { check } = await import("./check.ts");
      const { text, fine } = await check(command);
      process.stdout.write(text);
      if (!fine) process.exitCode = 1;
      return;
    }
    case "gc": {
      const { gc } = await import("./gc.ts");
      process.stdout.write(await gc(command));
      return;
    }
    case "serve": {
      const { serve } = await import("./serve.ts");
      await serve(command);
    }
  }
}

// Whoever reads our output may have read enough; a server goes on without.
process.stdout.on("error", () => {});

main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`ociregistry: ${error.message}\n`);
  process.exitCode = 2;
});
