import type { Machine } from '../../../host/hardware/machine.ts';

/** Recorded properties of a computer. All others are missing. */
export interface Recording {
  readonly platform?: string;
  readonly architecture?: string;
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  readonly brand?: string;
  readonly usableThreads?: number;
  readonly files?: Readonly<Record<string, string>>;
  readonly folders?: Readonly<Record<string, readonly string[]>>;
  /** The output of programs, by name. */
  readonly programs?: Readonly<Record<string, string | Error>>;
  readonly systemInformation?: Machine['systemInformation'];
}

/** Returns a simulated computer. `ran` lists the programs that were run on it. */
export function recordedMachine(recording: Recording): Machine & { readonly ran: string[] } {
  const { files = {}, folders = {}, programs = {} } = recording;
  const ran: string[] = [];
  return {
    ran,
    platform: recording.platform ?? 'linux',
    architecture: recording.architecture ?? 'x64',
    env: recording.env ?? {},
    brand: recording.brand ?? '',
    usableThreads: recording.usableThreads ?? 1_024,
    readText: async (path) => files[path],
    list: async (folder) => [...(folders[folder] ?? [])],
    run: async (program) => {
      ran.push(program);
      const answer = programs[program];
      if (answer instanceof Error) throw answer;
      return answer;
    },
    systemInformation:
      recording.systemInformation ?? (() => Promise.reject(new Error('This machine has no systeminformation'))),
  };
}
