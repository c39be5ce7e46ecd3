import { VERSION } from '../version.ts';

const USAGE = `TabAgent host ${VERSION}

This program is started by a browser, for its TabAgent extension, and speaks
native messaging on standard input and output. There is nothing to type here.

  --version   print the version
  --help      print this

To see it at work without a browser: npm start
`;

/** Exit code of a command that was typed wrong, as shells and getopt have it. */
const EXIT_USAGE = 2;

/** What a person who starts the host in a terminal gets. Returns the exit code. */
export function runCommand([command]: readonly string[]): number {
  switch (command) {
    case '--version':
    case 'version':
      process.stdout.write(`${VERSION}\n`);
      return 0;
    case '--help':
    case 'help':
      process.stdout.write(USAGE);
      return 0;
    default:
      if (command !== undefined) process.stderr.write(`Unknown command: ${command}\n\n`);
      process.stderr.write(USAGE);
      return EXIT_USAGE;
  }
}
