import { defined } from '../common/defined.ts';
import type { DetectedGpu } from './found-gpu.ts';
import type { Machine } from './machine.ts';

/** PCI vendors of supported GPUs except Nvidia, whose GPUs nvidia-smi lists. Virtual adapters have other vendors. */
const VENDORS = { '0x1002': 'amd', '0x8086': 'intel' } as const;

/** PCI address of Intel's integrated graphics, which is the same on every computer. */
const INTEGRATED_SLOT = '0000:00:02.0';

/** A card's device in `/sys/class/drm/cardN/device`. */
interface DrmCard {
  readonly vendor: keyof typeof VENDORS;
  readonly device: string;
  readonly slot: string;
  readonly driver: string | undefined;
  readonly folder: string;
}

/** Detects AMD and Intel GPUs on Linux from `/sys`, with names from lspci if it is installed. */
export async function drmGpus(machine: Machine): Promise<DetectedGpu[]> {
  const names = (await machine.list('/sys/class/drm')).filter((name) => /^card\d+$/.test(name)).sort();
  const cards = (await Promise.all(names.map((name) => cardIn(`/sys/class/drm/${name}/device`, machine)))).filter(
    (card) => card !== undefined,
  );
  if (cards.length === 0) return [];
  const pci = parseLspci((await machine.run('lspci', ['-D', '-mm'])) ?? '');
  return Promise.all(cards.map((card) => gpuOf(card, pci.get(card.slot), machine)));
}

async function cardIn(folder: string, { readText }: Machine): Promise<DrmCard | undefined> {
  const vendor = (await readText(`${folder}/vendor`))?.trim();
  if (vendor !== '0x1002' && vendor !== '0x8086') return undefined;
  const uevent = (await readText(`${folder}/uevent`)) ?? '';
  return {
    vendor,
    device: (await readText(`${folder}/device`))?.trim() ?? '',
    slot: /^PCI_SLOT_NAME=(.+)$/m.exec(uevent)?.[1] ?? '',
    driver: /^DRIVER=(.+)$/m.exec(uevent)?.[1],
    folder,
  };
}

async function gpuOf(card: DrmCard, pciName: string | undefined, machine: Machine): Promise<DetectedGpu> {
  const vendor = VENDORS[card.vendor];
  const memory = vendor === 'amd' ? await amdMemory(card, machine) : await intelMemory(card, machine);
  return {
    name: pciName ?? `${vendor === 'amd' ? 'AMD' : 'Intel'} graphics ${card.device}`,
    vendor,
    totalVram: memory?.total ?? null,
    availableVram: memory?.available ?? null,
    sharedMemory: memory === undefined,
    ...defined({ driver: card.driver }),
  };
}

/**
 * Returns the memory of an AMD GPU; undefined if it is integrated. An integrated GPU has some VRAM as well, reserved
 * from main memory, but allocates mainly from the rest. amdgpu provides `mem_busy_percent` only for GPUs with dedicated
 * memory.
 */
async function amdMemory({ folder }: DrmCard, { readText }: Machine) {
  const total = Number(await readText(`${folder}/mem_info_vram_total`));
  if (!(total > 0) || (await readText(`${folder}/mem_busy_percent`)) === undefined) return undefined;
  const used = Number(await readText(`${folder}/mem_info_vram_used`)) || 0;
  return { total, available: Math.max(0, total - used) };
}

/**
 * Returns the memory of an Intel GPU; undefined if it is integrated. Intel's drivers do not report memory. With a
 * resizable BAR, which Arc cards require, it is the size of the largest PCI region.
 */
async function intelMemory({ folder, slot }: DrmCard, { readText }: Machine) {
  if (slot === INTEGRATED_SLOT) return undefined;
  const regions = ((await readText(`${folder}/resource`)) ?? '').split('\n').map((line) => {
    const [start = 0, end = 0] = line.split(' ').map(Number);
    return end > start ? end - start + 1 : 0;
  });
  const total = Math.max(0, ...regions);
  return total === 0 ? undefined : { total, available: total };
}

/**
 * Parses the output of `lspci -D -mm`: `0000:03:00.0 "VGA compatible controller" "Vendor" "Device" …`. Returns the
 * device names by address. The marketing name of a device, if any, is in brackets.
 */
function parseLspci(text: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, slot, vendor = '', device = ''] = /^(\S+) "[^"]*" "([^"]*)" "([^"]*)"/.exec(line) ?? [];
    if (slot === undefined) continue;
    const maker = vendor.startsWith('Advanced Micro Devices') ? 'AMD' : vendor.replace(/ Corporation$/, '');
    names.set(slot, `${maker} ${/\[(.+)\]/.exec(device)?.[1] ?? device}`);
  }
  return names;
}
