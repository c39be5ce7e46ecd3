import { defined } from '../common/defined.ts';
import type { DetectedGpu } from './found-gpu.ts';

/** Query for the display adapters in the registry, the only source of their memory size in 64 bits. */
export const DISPLAY_ADAPTERS_QUERY = [
  'query',
  'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\{4d36e968-e325-11ce-bfc1-08002be10318}',
  '/s',
];

/** PCI vendors of physical GPUs. Virtual and remote adapters have other vendors or are not PCI devices. */
const VENDORS: Readonly<Record<string, DetectedGpu['vendor']>> = { '10DE': 'nvidia', '1002': 'amd', '8086': 'intel' };

/** Names of Intel GPUs with dedicated memory (Arc with a letter and a number), and of integrated AMD GPUs. */
const INTEL_DISCRETE = /\bArc\b.*\b[AB]\d{2,3}/i;
const AMD_INTEGRATED = /Radeon(\(TM\))?( RX)? (Vega \d+ |R\d )?Graphics|Radeon(\(TM\))? \d{3}M\b|Radeon 80\d0S/i;

/**
 * Parses the output of `reg query` for display adapters: a section per adapter with indented values. Entries of removed
 * adapters and old drivers remain in the registry, so an adapter that is listed twice counts once.
 */
export function parseDisplayAdapters(text: string): DetectedGpu[] {
  const gpus = new Map<string, DetectedGpu>();
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
