import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { licenceOfPackage, llamaLicence, nodeLicence } from '../../../installers/package/licences.ts';
import { sbomText } from '../../../installers/package/sbom.ts';
import { targetOf } from '../../../installers/package/target.ts';

const folderOf = (name: string) => fileURLToPath(new URL(`../../../node_modules/${name}`, import.meta.url));

describe('the bill of materials', () => {
  const licences = [
    licenceOfPackage(folderOf('@napi-rs/keyring')),
    llamaLicence('b1'),
    licenceOfPackage(folderOf('@napi-rs/keyring')),
  ];
  const bom = JSON.parse(sbomText({ version: '1.2.3', target: targetOf('win-x64'), licences }));

  it('lists each component once, with its version, package URL and licence', () => {
    const { version } = JSON.parse(readFileSync(`${folderOf('@napi-rs/keyring')}/package.json`, 'utf8'));
    expect(bom).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      metadata: { component: { version: '1.2.3' } },
    });
    expect(bom.components).toEqual([
      expect.objectContaining({ name: 'llama.cpp', version: 'b1', purl: 'pkg:github/ggml-org/llama.cpp@b1' }),
      expect.objectContaining({ purl: `pkg:npm/%40napi-rs/keyring@${version}`, licenses: [{ expression: 'MIT' }] }),
    ]);
    const [root] = bom.dependencies;
    expect(root.dependsOn).toEqual(bom.components.map((component: { 'bom-ref': string }) => component['bom-ref']));
  });
});

describe('the licence of Node.js', () => {
  it('is rejected without those of its dependencies', () => {
    expect(() => nodeLicence(folderOf('@napi-rs/keyring'))).toThrow('OpenSSL');
  });
});
