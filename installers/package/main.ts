import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isSystemError } from '../../host/common/errors.ts';
import { writeCatalogues } from './catalogues.ts';
import { MissingPackage } from './npm-package.ts';
import { makePackage } from './package.ts';
import { type AddOn, currentTarget, isTargetName, TARGETS, type TargetName } from './target.ts';

const USAGE = `Usage: npm run package -- [options]

Packages the host: an executable and lib/, in a reproducible archive, with
checksums.

  --target NAME     target platform: ${TARGETS.slice(0, 3).join(', ')},
                    ${TARGETS.slice(3).join(', ')}; can be repeated
                    (default: this computer's)
  --add-on NAME     also package the GPU backend cuda or vulkan in a separate
                    archive, if the target has it; can be repeated
  --out FOLDER      output folder (default: out/)
  --allow-missing   continue without the llama.cpp binaries if the registry lacks
                    them: such a host cannot load models, and its archive is
                    named "incomplete"
  --installers      also make a .deb (requires dpkg-deb) or a Windows installer
                    (requires makensis)
  --release-url URL also write the Homebrew formula and the winget manifests for
                    the packages in the output folder, to be published at URL
  --folder-only     write only the folder, no archive, which is faster
  --help            show this help

Exit codes: 0 success, 1 a component is missing or packaging failed, 2 invalid usage
`;

const ADD_ONS: readonly AddOn[] = ['cuda', 'vulkan'];

process.exitCode = await run(process.argv.slice(2));

async function run(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n\n${USAGE}`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(USAGE);
    return 0;
  }
  const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');
  const out = options.out ?? join(root, 'out');
  mkdirSync(out, { recursive: true });
  const work = mkdtempSync(join(out, '.work-'));
  try {
    for (const target of options.targets) {
      await makePackage(target, {
        root,
        out,
        work,
        addOns: options.addOns,
        allowMissing: options.allowMissing,
        folderOnly: options.folderOnly,
        installers: options.installers,
        versions: versionsOf(root),
        log: (line) => process.stdout.write(`${line}\n`),
      });
    }
    if (options.releaseUrl !== undefined) {
      const written = await writeCatalogues(out, versionsOf(root).host, options.releaseUrl);
      process.stdout.write(`${written.join('\n')}\n`);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof MissingPackage)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Returns the version of the host and the pinned versions of its components. */
function versionsOf(root: string) {
  const { version, dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return {
    host: version,
    node: devDependencies.node,
    llama: devDependencies['node-llama-cpp'],
    keyring: dependencies['@napi-rs/keyring'],
  };
}

interface Options {
  readonly targets: readonly TargetName[];
  readonly addOns: readonly AddOn[];
  readonly out: string | undefined;
  readonly allowMissing: boolean;
  readonly folderOnly: boolean;
  readonly installers: boolean;
  readonly releaseUrl: string | undefined;
}

/** Returns the options, an error message if they are invalid, or undefined if help is requested. */
function readOptions(args: string[]): Options | string | undefined {
  const values = parse(args);
  if (typeof values === 'string') return values;
  if (values.help) return undefined;
  const current = currentTarget();
  const targets = values.target ?? (current === undefined ? [] : [current]);
  if (targets.length === 0)
    return `There is no package for ${process.platform} on ${process.arch}. Choose one with --target.`;
  const url = values['release-url'];
  if (url !== undefined && !/^https:\/\/[^\s"'\\]+$/.test(url)) {
    return `Invalid value for --release-url: "${url}". Expected an https URL.`;
  }
  const invalidTarget = targets.find((name) => !isTargetName(name));
  if (invalidTarget !== undefined)
    return `Invalid value for --target: "${invalidTarget}". Expected one of ${TARGETS.join(', ')}.`;
  const invalidAddOn = values['add-on'].find((name) => !ADD_ONS.some((addOn) => addOn === name));
  if (invalidAddOn !== undefined)
    return `Invalid value for --add-on: "${invalidAddOn}". Expected one of ${ADD_ONS.join(', ')}.`;
  return {
    targets: targets.filter(isTargetName),
    addOns: ADD_ONS.filter((addOn) => values['add-on'].includes(addOn)),
    out: values.out,
    allowMissing: values['allow-missing'],
    folderOnly: values['folder-only'],
    installers: values.installers,
    releaseUrl: values['release-url']?.replace(/\/+$/, ''),
  };
}

/** Returns the parsed options, or an error message if they are invalid. */
function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        target: { type: 'string', multiple: true },
        'add-on': { type: 'string', multiple: true, default: [] },
        out: { type: 'string' },
        'allow-missing': { type: 'boolean', default: false },
        installers: { type: 'boolean', default: false },
        'release-url': { type: 'string' },
        'folder-only': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    // Node's messages explain how to pass the value as a positional argument. This program accepts none.
    if (
      isSystemError(
        error,
        'ERR_PARSE_ARGS_UNKNOWN_OPTION',
        'ERR_PARSE_ARGS_INVALID_OPTION_VALUE',
        'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL',
      )
    ) {
      return error.message.replace(/(?<=\.)\s.*$/s, '');
    }
    throw error;
  }
}
