import { describe, expect, it } from '@jest/globals';
import { demandOf, lackOf } from '../../../extension/page/fit.ts';
import { fixFor, systemOf } from '../../../extension/page/fixes.ts';
import { makeFormat } from '../../../extension/page/format.ts';
import { modelIdOf, readModelAddress } from '../../../extension/page/model-address.ts';
import { diagnosticsOf } from '../../../extension/page/options/diagnostics.ts';
import { keepKnown, NOTHING_KNOWN, readKnown, type Storage } from '../../../extension/page/snapshot.ts';

const GB = 1e9;

/** As a screen shows it: narrow and unbreakable spaces are spaces. */
const shown = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

describe('sizes and times', () => {
  const english = makeFormat('en');
  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1_000, '1 kB'],
    [1_185_376, '1 MB'],
    [4_700_000_000, '4.7 GB'],
    [271_000_000_000, '271 GB'],
    [1.5e15, '1.5 PB'],
    [9e18, '9,000 PB'],
  ])('%d bytes: %s', (bytes, expected) => {
    expect(shown(english.bytes(bytes))).toBe(expected);
  });

  it.each([
    [0, '0 sec'],
    [42, '42 sec'],
    [60, '1 min'],
    [3_725, '1 hr 2 min'],
    [86_400 * 3 + 60, '3 days'],
  ])('%d seconds: %s', (seconds, expected) => {
    expect(shown(english.duration(seconds))).toBe(expected);
  });

  it('are written as the language has it', () => {
    const german = makeFormat('de');
    expect(shown(german.bytes(4_700_000_000))).toBe('4,7 GB');
    expect(shown(german.speed(12_345_678))).toBe('12,3 MB/s');
    expect(shown(german.percent(50))).toBe('50 %');
  });
});

describe('whether a model fits', () => {
  const split = {
    gpu_layers: 10,
    cpu_layers: 10,
    estimated_vram: 10 * GB,
    estimated_ram: 5 * GB,
    performance_tier: 'medium' as const,
    fits: true,
    reason: '',
  };
  const gpu = {
    available: true,
    name: 'GPU',
    vendor: 'X',
    total_vram: 12 * GB,
    available_vram: 11 * GB,
    used_vram: GB,
  };
  const cpu = {
    architecture: 'x64',
    model_name: 'CPU',
    cores: 2,
    threads: 2,
    vendor: 'Y',
    microarchitecture: null,
    variant: null,
  };
  const machine = { gpu, gpus: [gpu], cpu, total_ram: 8 * GB, available_ram: 6 * GB, used_ram: 2 * GB, disk: null };

  it('is what the host counted for its own split, and moves a share with every layer', () => {
    expect(demandOf(split, 10)).toEqual({ ram: 5 * GB, vram: 10 * GB });
    expect(demandOf(split, 12)).toEqual({ ram: 4 * GB, vram: 11 * GB });
    expect(demandOf(split, 0)).toEqual({ ram: 15 * GB, vram: 0 });
  });

  it('is judged by what is free now', () => {
    expect(lackOf({ ram: 5 * GB, vram: 10 * GB }, machine)).toBeUndefined();
    expect(lackOf({ ram: 5 * GB, vram: 12 * GB }, machine)).toBe('vram');
    expect(lackOf({ ram: 7 * GB, vram: 0 }, machine)).toBe('ram');
    expect(lackOf({ ram: GB, vram: 0 }, { ...machine, gpu: null })).toBeUndefined();
  });
});

describe("a model's address", () => {
  it.each([
    ['owner/name/file.gguf', 'owner/name/file.gguf'],
    ['  owner/name folder/file.gguf ', 'owner/name/folder/file.gguf'],
    ['owner/name@dev/file.gguf', 'owner/name@dev/file.gguf'],
    ['https://huggingface.co/owner/name/blob/main/file.gguf', 'owner/name/file.gguf'],
    ['https://huggingface.co/owner/name/resolve/dev/a%20b/file.gguf?download=true', 'owner/name@dev/a b/file.gguf'],
  ])('%j names %j', (typed, id) => {
    const address = readModelAddress(typed);
    expect(address && modelIdOf(address)).toBe(id);
  });

  it.each(['', 'owner', 'owner/name', 'https://huggingface.co/owner/name', 'https://', 'https://x/a/b/%E0%A4%A'])(
    '%j names no file',
    (typed) => {
      expect(readModelAddress(typed)).toBeUndefined();
    },
  );
});

describe('what mends a host that is not there', () => {
  const labels = { inHostFolder: (system: string) => system };

  it.each([
    ['Linux x86_64', './tabagent-host install'],
    ['MacIntel', './tabagent-host install'],
    ['Win32', '.\\tabagent-host.exe install'],
  ])('on %s', (platform, command) => {
    const mend = fixFor('notInstalled', { system: systemOf(platform), extensionId: 'abc' }, labels);
    expect(mend.commands.map((line) => line.command)).toEqual([command]);
  });

  it('names this extension where another is allowed', () => {
    const [line] = fixFor('forbidden', { system: 'linux', extensionId: 'abc' }, labels).commands;
    expect(line?.command).toBe('./tabagent-host install --extension-id abc');
  });
});

describe('what was known when a page was last open', () => {
  function storage(): Storage & { items: Record<string, unknown> } {
    const items: Record<string, unknown> = {};
    return { items, get: async () => items, set: async (more) => void Object.assign(items, more) };
  }

  it('is there again, without the models that were in memory', async () => {
    const kept = storage();
    await keepKnown(kept, { ...NOTHING_KNOWN, current: 'a/b/c.gguf', memory: undefined, available: [] });
    expect(await readKnown(kept)).toEqual(NOTHING_KNOWN);
  });

  it.each([undefined, null, 'text', { version: 0, known: { available: 1 } }, {}])(
    'is nothing when it was %j',
    async (odd) => {
      const kept = storage();
      kept.items.known = odd;
      expect(await readKnown(kept)).toEqual(NOTHING_KNOWN);
    },
  );
});

describe('diagnostics', () => {
  it('hold nothing of the user: no folder, no file of another program by its name', () => {
    const report = diagnosticsOf({
      extension: '0.1.0',
      browser: 'Test',
      language: 'en',
      host: { status: 'connected', version: '0.1.0' },
      known: {
        ...NOTHING_KNOWN,
        loaded: [
          {
            model_id: 'local/folder/home/ann/secret.gguf',
            loaded_to: 'CPU',
            gpu_layers: 0,
            cpu_layers: 1,
            vram_used: 0,
            ram_used: 1,
            loaded_at: 1,
            config: { vocab_size: 1, context_size: 1, embedding_dim: 1, file_size: 1, model_type: 'gguf' },
          },
        ],
      },
      system: undefined,
    });
    expect(report).toContain('local/folder/…');
    expect(report).not.toMatch(/ann|secret/);
  });
});
