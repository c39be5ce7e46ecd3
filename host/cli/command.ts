import { fileURLToPath } from 'node:url';
import { VERSION } from '../version.ts';

const USAGE = `TabAgent host ${VERSION}

A browser starts this program for its TabAgent extension and speaks native
messaging with it on standard input and output. By hand there is this:

  tabagent install     tell the browsers on this machine where the host is
  tabagent uninstall   take that back
  tabagent --version   print the version
  tabagent --help      print this; "tabagent install --help" says more
`;

/** Exit code of a command that was typed wrong, as shells and getopt have it. */
const EXIT_USAGE = 2;

/**
 * What a person who starts the host in a terminal gets. Returns the exit code.
 *
 * @param entry The module this process was started with; a browser is told to start the same.
 */
export async function runCommand([command, ...args]: readonly string[], entry: URL): Promise<number> {
  const io = {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    execPath: process.execPath,
    mainPath: fileURLToPath(entry),
  };
  switch (command) {
    case 'install': {
      const { install } = await import('./install.ts');
      return install(args, io);
    }
    case 'uninstall': {
      const { uninstall } = await import('./uninstall.ts');
      return uninstall(args, io);
    }
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
