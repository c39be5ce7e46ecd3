import { defined } from '../common/defined.ts';
import type { FoundGpu } from './found-gpu.ts';

/** The registry's class of display adapters, with all its values: the memory's size stands only there in 64 bits. */
export const DISPLAY_ADAPTERS_QUERY = [
  'query',
  'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\{4d36e968-e325-11ce-bfc1-08002be10318}',
  '/s',
];

/** PCI vendors of real GPUs; virtual and remote adapters have others, or no PCI device at all. */
const VENDORS: Readonly<Record<string, FoundGpu['vendor']>> = { '10DE': 'nvidia', '1002': 'amd', '8086': 'intel' };

/** Names of GPUs with memory of their own: Intel's are called Arc with a letter and a number, AMD's not just `Graphics`. */
const INTEL_DISCRETE = /\bArc\b.*\b[AB]\d{2,3}/i;
const AMD_INTEGRATED = /Radeon(\(TM\))?( RX)? (Vega \d+ |R\d )?Graphics|Radeon(\(TM\))? \d{3}M\b|Radeon 80\d0S/i;

/**
 * Reads what `reg query` writes of the display adapters: one section for each, its values indented below. Adapters that
 * are no longer plugged in stay in the registry, so one that is told of twice (an old driver's entry) counts once.
 */
export function parseDisplayAdapters(text: string): FoundGpu[] {
  const gpus = new Map<string, FoundGpu>();
  for (const section of text.split(/\r?\n(?=HKEY_)/)) {
    const value = (name: string) =>
      new RegExp(`^ +${name.replaceAll('.', '\\.')} +REG_\\w+ +(.*?)\\r?$`, 'im').exec(section)?.[1]?.trim();
    const id = value('MatchingDeviceId')?.toUpperCase() ?? '';
    const vendor = VENDORS[/PCI\\VEN_([0-9A-F]{4})/.exec(id)?.[1] ?? ''];
    const name = value('DriverDesc');
    if (vendor === undefined || name === undefined) continue;
    const bytes = Number(value('HardwareInformation.qwMemorySize'));
    const shared = vendor === 'intel' ? !INTEL_DISCRETE.test(name) : vendor === 'amd' && AMD_INTEGRATED.test(name);
    if (!shared && !(bytes > 0)) continue;
    const driver = value('DriverVersion');
    gpus.set(`${id} ${name}`, {
      name,
      vendor,
      totalVram: shared ? null : bytes,
      availableVram: shared ? null : bytes,
      sharedMemory: shared,
      ...defined({ driver }),
    });
  }
  return [...gpus.values()];
}
