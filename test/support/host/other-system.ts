import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { HostFixture } from './host-fixture.ts';
import type { HostProcess } from './host-process.ts';
import { payloadOf } from './payload-of.ts';

/** Systems that can be simulated on Linux. */
export const OTHER_SYSTEMS = ['darwin', 'win32'] as const;
export type OtherSystemName = (typeof OTHER_SYSTEMS)[number];

/** Scripts that replace the programs that the host runs on each system. */
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

/** The GPUs that these scripts report. */
const GPUS = {
  darwin: [expect.objectContaining({ name: 'Radeon Pro stand-in', vendor: 'amd' })],
  win32: [
    expect.objectContaining({ name: 'GeForce stand-in', vendor: 'nvidia' }),
    expect.objectContaining({ name: 'Radeon stand-in', vendor: 'amd' }),
  ],
};

/**
 * Simulates another system: the host runs with its `process.platform`, and shell scripts replace the programs that the
 * host runs there. Paths remain those of Linux.
 */
export class OtherSystem {
  readonly #fixture: HostFixture;
  readonly #name: OtherSystemName;

  private constructor(fixture: HostFixture, name: OtherSystemName) {
    this.#fixture = fixture;
    this.#name = name;
  }

  static async open(fixture: HostFixture, name: OtherSystemName): Promise<OtherSystem> {
    const system = new OtherSystem(fixture, name);
    for (const [program, script] of Object.entries(PROGRAMS[name])) await system.replaceProgram(program, script);
    return system;
  }

  /** Writes a script that replaces a program. */
  async replaceProgram(name: string, script: string): Promise<void> {
    await mkdir(join(this.#programs, 'System32'), { recursive: true });
    await writeFile(join(this.#programs, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(this.#programs, name), 0o755);
  }

  /**
   * Starts a script of the host.
   *
   * @param options.execPath The value of `process.execPath`.
   */
  start(script: string, { execPath = process.execPath, env = {} } = {}): HostProcess {
    const simulation = `for (const [name, value] of ${JSON.stringify([
      ['platform', this.#name],
      ['execPath', execPath],
    ])}) Object.defineProperty(process, name, { value })`;
    return this.#fixture.host({
      command: [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(simulation)}`, script],
      env: { PATH: `${this.#programs}:/usr/bin:/bin`, SystemRoot: this.#programs, ...env },
    });
  }

  /** Checks that the host reports the computer that the scripts describe. */
  async expectReported(host: HostProcess): Promise<void> {
    const { cpu, gpus, available_ram } = payloadOf('GET_SYSTEM_RESOURCES', await host.request('GET_SYSTEM_RESOURCES'));
    expect(cpu.vendor).toBe('StandIn');
    expect(gpus).toEqual(GPUS[this.#name]);
    expect(available_ram).toBeGreaterThan(0);
    payloadOf('GET_SYSTEM_INFO', await host.request('GET_SYSTEM_INFO'));
  }

  get #programs(): string {
    return join(this.#fixture.home, 'programs');
  }
}
