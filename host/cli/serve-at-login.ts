import { lstat, mkdir, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { atomicWrite } from '../common/atomic-write.ts';
import { HostError, isSystemError } from '../common/errors.ts';
import { EXIT } from '../common/exit-codes.ts';
import { removeFile } from '../common/files-in-use.ts';
import { homeFolder, platformOf } from '../common/platform.ts';
import { assertSafeToStart } from '../common/safe-folder.ts';
import { readConfig } from '../config.ts';
import { type RunReg, systemProgram } from '../registration/registry.ts';
import { type LoginStart, planLoginStart } from '../serve/login-start.ts';
import { type CommandContext, print } from './context.ts';
import { registrationIo } from './registration-io.ts';

/** Permissions of a file that only the user's own session reads. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** `tabagent serve --install`: starts the server with these options at every login. */
export async function installServe(context: CommandContext, options: readonly string[]): Promise<number> {
  const { execPath, mainPath } = registrationIo(context);
  const program = mainPath === undefined || mainPath === execPath ? [execPath] : [execPath, mainPath];
  if (process.getuid !== undefined) {
    for (const file of program) await assertSafeToStart(file);
  }
  const plan = planFor(context, [...program, 'serve', ...options]);
  await put(plan, systemProgram('schtasks.exe', context.terminal.env));
  print(
    context,
    { installed: plan.file, start: plan.startNow },
    () => `Programs will be served from the next login on (${plan.file}).\nTo start it now: ${plan.startNow}\n`,
  );
  if (platformOf() === 'win32' && context.terminal.env.TABAGENT_HOME !== undefined) {
    context.terminal.stderr.write(
      'A Windows task has no environment variables: save TABAGENT_HOME with "tabagent install".\n',
    );
  }
  return EXIT.ok;
}

/** `tabagent serve --uninstall`: no longer starts the server at login. */
export async function uninstallServe(context: CommandContext): Promise<number> {
  const plan = planFor(context, []);
  const removed = await remove(plan, systemProgram('schtasks.exe', context.terminal.env));
  print(context, { removed, stop: plan.stopNow }, () =>
    removed.length === 0
      ? 'The server does not start at login.\n'
      : `The server no longer starts at login. To stop it now: ${plan.stopNow}\n`,
  );
  return EXIT.ok;
}

/** Removes what starts the server at login, if it is there. Returns the paths of removed files. */
export async function removeLoginStart(context: CommandContext): Promise<string[]> {
  return remove(planFor(context, []), systemProgram('schtasks.exe', context.terminal.env));
}

function planFor({ entry, terminal: { env } }: CommandContext, command: readonly string[]): LoginStart {
  const { TABAGENT_HOME } = env;
  return planLoginStart({
    platform: platformOf(),
    env,
    home: homeFolder(env),
    dataFolder: readConfig({ runnerEntry: entry, env }).paths.home,
    command,
    variables: TABAGENT_HOME ? { TABAGENT_HOME } : {},
  });
}

async function put({ file, contents, link, register }: LoginStart, schtasks: RunReg): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: FOLDER_MODE });
    await atomicWrite(file, contents, FILE_MODE);
    if (link !== undefined) {
      await mkdir(dirname(link), { recursive: true, mode: FOLDER_MODE });
      await symlink(file, link).catch((error: unknown) => {
        // Made by an earlier installation, or by the user.
        if (!isSystemError(error, 'EEXIST')) throw error;
      });
    }
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EEXIST')) throw error;
    throw new HostError('SERVE_FAILED', `${error.path ?? file} cannot be written (${error.code}).`, { cause: error });
  }
  if (register === undefined) return;
  const { code, stderr } = await schtasks(register);
  if (code === 0) return;
  await removeFile(file);
  throw new HostError('SERVE_FAILED', `schtasks.exe failed with exit code ${code}: ${stderr.trim()}`);
}

async function remove({ file, link, unregister }: LoginStart, schtasks: RunReg): Promise<string[]> {
  const present = (await Promise.all([link, file].map(existing))).filter((path) => path !== undefined);
  if (present.length > 0 && unregister !== undefined) await schtasks(unregister);
  for (const path of present) await removeFile(path);
  return present;
}

async function existing(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    await lstat(path);
    return path;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
