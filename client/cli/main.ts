// main.ts: the process behind `./dunlin`: one command line, one exit code.
import { run } from './program.ts';

// A reader that has seen enough (`dunlin cases | head`) closes the pipe: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// Set, not called: output that is still on its way to a pipe must arrive first.
process.exitCode = await run(process.argv.slice(2));
