import { install } from '../../support/cli/registration.ts';
import { Sandbox } from './sandbox.ts';

/** An installation in the sandbox of the first argument that is killed after the launcher and the manifest are written. */
const { machine, ...io } = Sandbox.existing(process.argv[2] ?? '', 'win32').io();
// reg.exe is called after both.
const reg = async () => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise<never>(() => {});
};
await install(['--browser=edge'], { ...io, machine: { ...machine, reg } });
