import { readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bundleHost } from '../../../installers/package/host-bundle.ts';
import { markovModel, STORY_GREEDY } from '../../support/gguf/markov-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HOST_MAIN } from '../../support/host/host-process.ts';
import { promised } from '../../support/host/promised.ts';
import { Workshop } from '../../support/host/workshop.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const MODEL = { modelId: 'tabagent/markov-gguf/markov.gguf' };

/** What the stand-ins print for the programs that the host asks on each system. */
const PROGRAMS = {
  darwin: {
    sysctl: 'case "$*" in *machdep*) echo "machdep.cpu.vendor: StandIn";; *pagesize*) echo 4096;; esac',
    vm_stat: 'echo "Anonymous pages: 1."; echo "Pages inactive: 1."; echo "Pages wired down: 1."',
    system_profiler: `cat <<'END'
<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><array><dict><key>_items</key><array><dict>
<key>sppci_bus</key><string>spdisplays_pcie_device</string>
<key>sppci_model</key><string>Radeon Pro stand-in</string>
<key>spdisplays_vendor</key><string>AMD</string>
<key>spdisplays_vram</key><string>4 GB</string>
</dict></array></dict></array></plist>
END`,
  },
  win32: {
    'powershell.exe': "printf 'Manufacturer : StandIn\\r\\n'",
    'System32/nvidia-smi.exe': 'echo "GeForce stand-in, 8192, 4096, 1.0"',
    'System32/reg.exe': `cat <<'END'
HKEY_LOCAL_MACHINE\\Display\\0000
    DriverDesc    REG_SZ    Radeon stand-in
    MatchingDeviceId    REG_SZ    PCI\\VEN_1002&DEV_73BF
    HardwareInformation.qwMemorySize    REG_QWORD    0x100000000
END`,
  },
} as const;

/** Says whether a process runs: one that has ended and that nobody has waited for does not. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The GPUs that the stand-ins describe. */
const GPUS = {
  darwin: [expect.objectContaining({ name: 'Radeon Pro stand-in', vendor: 'amd' })],
  win32: [
    expect.objectContaining({ name: 'GeForce stand-in', vendor: 'nvidia' }),
    expect.objectContaining({ name: 'Radeon stand-in', vendor: 'amd' }),
  ],
};

/**
 * What is shipped, run as on another system: the bundled scripts with another `process.platform` than this machine's,
 * and stand-ins for the system's programs, which are shell scripts.
 */
(process.platform === 'win32' ? describe.skip : describe).each(['darwin', 'win32'] as const)(
  'the host on %s',
  (platform) => {
    let shop: Workshop;
    let programs: string;
    beforeEach(async () => {
      shop = await Workshop.open();
      programs = join(shop.home, 'programs');
      await mkdir(join(programs, 'System32'), { recursive: true });
      for (const [name, script] of Object.entries(PROGRAMS[platform])) {
        await writeFile(join(programs, name), `#!/bin/sh\n${script}\n`);
        await chmod(join(programs, name), 0o755);
      }
    });
    afterEach(() => shop.close());

    const start = (script: string, execPath = process.execPath) => {
      const pretend = `for (const [name, value] of ${JSON.stringify([
        ['platform', platform],
        ['execPath', execPath],
      ])}) Object.defineProperty(process, name, { value })`;
      return shop.host({
        command: [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(pretend)}`, script],
        env: { PATH: `${programs}:/usr/bin:/bin`, SystemRoot: programs },
      });
    };

    const answers = async (host: ReturnType<typeof start>) => {
      const { cpu, gpus, available_ram } = promised('GET_SYSTEM_RESOURCES', await host.request('GET_SYSTEM_RESOURCES'));
      expect(cpu.vendor).toBe('StandIn');
      expect(gpus).toEqual(GPUS[platform]);
      expect(available_ram).toBeGreaterThan(0);
      promised('GET_SYSTEM_INFO', await host.request('GET_SYSTEM_INFO'));
    };

    it('describes the computer and runs a model, as built', async () => {
      const folder = join(shop.home, 'models', 'tabagent', 'markov-gguf');
      await mkdir(folder, { recursive: true });
      const metadata = { 'tokenizer.chat_template': string('{{ bos_token }}{{ messages[-1].content }}') };
      await writeFile(join(folder, 'markov.gguf'), markovModel({ metadata }));
      const host = start(HOST_MAIN);
      await answers(host);
      const settings = { n_gpu_layers: 0, n_ctx: 256, n_threads: 1 };
      promised('LOAD_MODEL', await host.request('LOAD_MODEL', { ...MODEL, settings }));
      const messages = [{ role: 'user', content: '' }];
      const reply = await host.request('GENERATE', { messages, settings: { do_sample: false } });
      expect(promised('GENERATE', reply).output).toBe(STORY_GREEDY);
    });

    // /proc says when a process is gone.
    const onWindows = platform === 'win32' && process.platform === 'linux' ? it : it.skip;
    onWindows('ends a command that runs too long, with all its children', async () => {
      const pidFile = join(shop.home, 'pid');
      const place = async (name: string, script: string) => {
        await writeFile(join(programs, 'System32', name), `#!/bin/sh\n${script}\n`);
        await chmod(join(programs, 'System32', name), 0o755);
      };
      await place('slow.exe', `sleep 1000 & echo $! > '${pidFile}'; wait`);
      // The stand-in ends the program and its children.
      await place('taskkill.exe', '[ "$1 $3 $4" = "/PID /T /F" ] && kill -9 $(cat /proc/$2/task/$2/children) $2');
      const config = { allowedCommands: [['slow']], commandTimeoutSeconds: 1 };
      await writeFile(join(shop.home, 'config.json'), JSON.stringify(config));
      const reply = await start(HOST_MAIN).request('EXECUTE_COMMAND', { command: 'slow' });
      expect(reply).toMatchObject({ code: 'COMMAND_FAILED', details: { timeoutSeconds: 1 } });
      const pid = Number(await readFile(pidFile, 'utf8'));
      while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
    });

    it('describes the computer, as packaged', async () => {
      const bundle = await bundleHost(root);
      const lib = join(shop.home, 'lib', 'host');
      await mkdir(lib, { recursive: true });
      await writeFile(join(lib, bundle.laterName), bundle.later);
      const script = join(shop.home, 'start.cjs');
      await writeFile(script, bundle.start);
      await answers(start(script, join(shop.home, 'tabagent-host')));
    });
  },
);
