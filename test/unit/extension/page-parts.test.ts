import { describe, expect, it } from '@jest/globals';
import { demandOf, fitOf, shortageOf } from '../../../extension/page/fit.ts';
import { makeFormat } from '../../../extension/page/format.ts';
import { fixFor, systemOf } from '../../../extension/page/host-fixes.ts';
import { diagnosticsOf } from '../../../extension/page/options/diagnostics.ts';
import { EMPTY_SNAPSHOT, loadSnapshot, type Storage, saveSnapshot } from '../../../extension/page/snapshot.ts';
import { modelIdOf, readModelAddress } from '../../../host/protocol/model-address.ts';
import { machineWith } from '../../support/extension/machine.ts';

const GB = 1e9;

/** Replaces narrow and non-breaking spaces. */
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

  it('depend on the language', () => {
    const german = makeFormat('de');
    expect(shown(german.bytes(4_700_000_000))).toBe('4,7 GB');
    expect(shown(german.speed(12_345_678))).toBe('12,3 MB/s');
    expect(shown(german.percent(50))).toBe('50 %');
  });

  it('keep a number before its Latin unit in right-to-left text', () => {
    const hebrew = makeFormat('he');
    expect(shown(hebrew.bytes(4_700_000_000))).toBe('\u20684.7 GB\u2069');
    expect(shown(hebrew.speed(12_345_678))).toBe('\u206812.3 MB/שנ׳\u2069');
    expect(shown(hebrew.duration(60))).toBe('1 דק׳');
  });
});

describe('whether a model fits', () => {
  const split = {
    gpu_layers: 10,
    cpu_layers: 10,
    estimated_vram: 10 * GB,
    estimated_ram: 5 * GB,
    performance_tier: 'medium' as const,
    tokens_per_second: null,
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

  it("uses the host's estimate for its split, and shifts memory with every layer", () => {
    expect(demandOf(split, 10)).toEqual({ ram: 5 * GB, vram: 10 * GB });
    expect(demandOf(split, 12)).toEqual({ ram: 4 * GB, vram: 11 * GB });
    expect(demandOf(split, 0)).toEqual({ ram: 15 * GB, vram: 0 });
  });

  it('depends on free memory', () => {
    expect(shortageOf({ ram: 5 * GB, vram: 10 * GB }, machine)).toBeUndefined();
    expect(shortageOf({ ram: 5 * GB, vram: 12 * GB }, machine)).toBe('vram');
    expect(shortageOf({ ram: 7 * GB, vram: 0 }, machine)).toBe('ram');
    expect(shortageOf({ ram: GB, vram: 0 }, { ...machine, gpu: null })).toBeUndefined();
  });
});

describe('the address of a model', () => {
  it.each([
    ['owner/name/file.gguf', 'owner/name/file.gguf'],
    ['  owner/name folder/file.gguf ', 'owner/name/folder/file.gguf'],
    ['owner/name@dev/file.gguf', 'owner/name@dev/file.gguf'],
    ['https://huggingface.co/owner/name/blob/main/file.gguf', 'owner/name/file.gguf'],
    ['https://huggingface.co/owner/name/resolve/dev/a%20b/file.gguf?download=true', 'owner/name@dev/a b/file.gguf'],
    ['hf.co/owner/name/file.gguf', 'owner/name/file.gguf'],
  ])('%j names the file %j', (typed, id) => {
    const address = readModelAddress(typed);
    expect(address?.file && modelIdOf({ ...address, file: address.file })).toBe(id);
  });

  it.each([
    ['owner/name', {}],
    ['hf.co/owner/name', {}],
    ['https://huggingface.co/owner/name', {}],
    ['https://huggingface.co/owner/name/tree/dev', { revision: 'dev' }],
    ['owner/name@dev', { revision: 'dev' }],
    ['owner/name:Q4_K_M', { quantization: 'Q4_K_M' }],
    ['hf.co/owner/name:Q4_K_M', { quantization: 'Q4_K_M' }],
  ])('%j names a repository', (typed, more) => {
    const repo = { repoId: 'owner/name', file: undefined, revision: undefined, quantization: undefined };
    expect(readModelAddress(typed)).toEqual({ ...repo, ...more });
  });

  it.each(['', 'owner', 'small chat model', 'https://', 'https://x/a', 'https://x/a/b/%E0%A4%A', 'a/b/c/d'])(
    '%j names nothing',
    (typed) => {
      expect(readModelAddress(typed)).toBeUndefined();
    },
  );
});

describe('the fit of a model', () => {
  it.each([
    ['gpu', 6e9, machineWith(16e9, 8e9)],
    ['memory', 8e9, machineWith(16e9, 8e9)],
    ['tight', 8e9, { ...machineWith(16e9), available_ram: 4e9 }],
    ['no', 16e9, machineWith(16e9)],
    [undefined, 0, machineWith(16e9)],
    [undefined, 6e9, undefined],
  ])('is %s', (fit, size, machine) => {
    expect(fitOf(size, machine)).toBe(fit);
  });
});

describe('the fix for a missing host', () => {
  const labels = { inHostFolder: (system: string) => system };

  it.each([
    ['Linux x86_64', './tabagent-host install'],
    ['MacIntel', './tabagent-host install'],
    ['Win32', '.\\tabagent-host.exe install'],
  ])('on %s', (platform, command) => {
    const fix = fixFor('notInstalled', { system: systemOf(platform), extensionId: 'abc' }, labels);
    expect(fix.commands.map((line) => line.command)).toEqual([command]);
  });

  it('allows this extension if another one is allowed', () => {
    const [line] = fixFor('forbidden', { system: 'linux', extensionId: 'abc' }, labels).commands;
    expect(line?.command).toBe('./tabagent-host install --extension-id abc');
  });
});

describe('the snapshot of the last open page', () => {
  function storage(): Storage & { items: Record<string, unknown> } {
    const items: Record<string, unknown> = {};
    return { items, get: async () => items, set: async (more) => void Object.assign(items, more) };
  }

  it('is restored without the loaded models', async () => {
    const stored = storage();
    await saveSnapshot(stored, { ...EMPTY_SNAPSHOT, current: 'a/b/c.gguf', memory: undefined, available: [] });
    expect(await loadSnapshot(stored)).toEqual(EMPTY_SNAPSHOT);
  });

  it.each([undefined, null, 'text', { version: 0, snapshot: { available: 1 } }, {}])(
    'is empty if %j was stored',
    async (odd) => {
      const stored = storage();
      stored.items.snapshot = odd;
      expect(await loadSnapshot(stored)).toEqual(EMPTY_SNAPSHOT);
    },
  );
});

describe('diagnostics', () => {
  it('contain no folder or file name of another program', () => {
    const report = diagnosticsOf({
      extension: '0.1.0',
      browser: 'Test',
      language: 'en',
      host: { status: 'connected', version: '0.1.0' },
      snapshot: {
        ...EMPTY_SNAPSHOT,
        loaded: [
          {
            modelId: 'local/folder/home/ann/secret.gguf',
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
