import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from './checksums.ts';
import { TARGETS, type TargetName } from './target.ts';
import { fillTemplate, type TemplateValues } from './template.ts';

/** The package catalogues: the templates of each in `installers/`, and the name of the file that it downloads. */
const CATALOGUES = [
  {
    folder: 'homebrew',
    templates: ['tabagent-host.rb'],
    download: (full: string) => `${full}.tar.xz`,
  },
  {
    folder: 'winget',
    templates: ['TabAgent.Host.yaml', 'TabAgent.Host.installer.yaml', 'TabAgent.Host.locale.en-US.yaml'],
    download: (full: string) => `${full}-setup.exe`,
  },
] as const;

/**
 * Writes the Homebrew formula and the winget manifests for all targets whose files are in the folder. Skips a catalogue
 * if none of its files are there.
 *
 * @param url The URL that the files will be published at, without a trailing slash.
 * @returns The paths of the written files, relative to `out`.
 */
export async function writeCatalogues(out: string, version: string, url: string): Promise<string[]> {
  const written: string[] = [];
  for (const { folder, templates, download } of CATALOGUES) {
    const file = (target: TargetName) => join(out, download(`tabagent-host-${version}-${target}`));
    const values = await valuesOf(
      TARGETS.filter((target) => existsSync(file(target))),
      file,
    );
    if (values.size === 0) continue;
    mkdirSync(join(out, folder), { recursive: true });
    for (const template of templates) {
      const source = fileURLToPath(new URL(`../${folder}/${template}.template`, import.meta.url));
      const text = fillTemplate(readFileSync(source, 'utf8'), new Map([...values, ['version', version], ['url', url]]));
      writeFileSync(join(out, folder, template), text);
      written.push(`${folder}/${template}`);
    }
  }
  return written;
}

async function valuesOf(targets: readonly TargetName[], file: (target: TargetName) => string): Promise<TemplateValues> {
  const values = new Map<string, string>();
  for (const target of targets) {
    const sum = await sha256(file(target));
    values.set(`${target}.file`, basename(file(target)));
    values.set(`${target}.sha256`, sum);
    // winget requires uppercase digits.
    values.set(`${target}.SHA256`, sum.toUpperCase());
  }
  return values;
}
