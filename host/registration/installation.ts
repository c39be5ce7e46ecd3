import { existsSync } from 'node:fs';
import type { Platform } from '../../manifests/browser.ts';
import { programFolder } from '../configuration/program-folder.ts';
import { pathsOf, type RegistrationEnv } from './platform-env.ts';
import { type RunReg, systemReg } from './registry.ts';

/** Name of the file in the program folder that records what was registered. */
const RECORD_NAME = 'registration.json';

/** The machine an install or uninstall works on. A test gives another root, home, system or `reg`. */
export interface Machine extends RegistrationEnv {
  /** `TABAGENT_HOME`, or its default. */
  readonly dataFolder: string;
  readonly reg: RunReg;
}

/** What of a machine may be given; the rest is taken from `env`. */
export type MachineOptions = Pick<Machine, 'env' | 'dataFolder' | 'home'> &
  Partial<Pick<Machine, 'system' | 'root' | 'paths' | 'reg' | 'exists'>>;

/** This machine, or the one a test describes. Undefined on a system without a table. */
export function machineOf(options: MachineOptions): Machine | undefined {
  const system = options.system ?? knownSystem(process.platform);
  if (system === undefined) return undefined;
  return { reg: systemReg(options.env), exists: existsSync, ...options, system };
}

/** The program folder of one user or of all, and the record in it. */
export function placesOf(machine: Machine, systemWide: boolean): { folder: string; recordFile: string } {
  const folder = programFolder(machine, { systemWide, dataFolder: machine.dataFolder });
  return { folder, recordFile: pathsOf(machine).join(folder, RECORD_NAME) };
}

function knownSystem(platform: NodeJS.Platform): Platform | undefined {
  return platform === 'linux' || platform === 'darwin' || platform === 'win32' ? platform : undefined;
}
