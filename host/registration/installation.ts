import { existsSync } from 'node:fs';
import type { Platform } from '../../manifests/browser.ts';
import { programFolder } from '../configuration/program-folder.ts';
import { pathsOf, type RegistrationEnv } from './platform-env.ts';
import { type RunReg, systemReg } from './registry.ts';

/** Name of the registration record in the program folder. */
const RECORD_NAME = 'registration.json';

/** The computer on which the host is installed or uninstalled. Tests replace the root, home, system or `reg`. */
export interface Machine extends RegistrationEnv {
  /** `TABAGENT_HOME`, or its default. */
  readonly dataFolder: string;
  readonly reg: RunReg;
}

/** The properties of a {@link Machine}. Those that are not given are derived from this computer and `env`. */
export type MachineOptions = Pick<Machine, 'env' | 'dataFolder' | 'home'> &
  Partial<Pick<Machine, 'system' | 'root' | 'paths' | 'reg' | 'exists'>>;

/** Returns the computer to install on; undefined on a system for which no browsers are known. */
export function machineOf(options: MachineOptions): Machine | undefined {
  const system = options.system ?? knownSystem(process.platform);
  if (system === undefined) return undefined;
  return { reg: systemReg(options.env), exists: existsSync, ...options, system };
}

/** Returns the program folder for the user or for all users, and the path of the record in it. */
export function placesOf(machine: Machine, systemWide: boolean): { folder: string; recordFile: string } {
  const folder = programFolder(machine, { systemWide, dataFolder: machine.dataFolder });
  return { folder, recordFile: pathsOf(machine).join(folder, RECORD_NAME) };
}

function knownSystem(platform: NodeJS.Platform): Platform | undefined {
  return platform === 'linux' || platform === 'darwin' || platform === 'win32' ? platform : undefined;
}
