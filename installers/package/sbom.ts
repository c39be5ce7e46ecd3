import type { Licence } from './licences.ts';
import type { Target } from './target.ts';

/** Name of the software bill of materials in a package. */
export const SBOM = 'sbom.cdx.json';

/** Returns the components of a package in the form of CycloneDX 1.6. It has no date, so that packages stay reproducible. */
export function sbomText(options: { version: string; target: Target; licences: readonly Licence[] }): string {
  const { version, target, licences } = options;
  const components = [...new Map(licences.map((licence) => [licence.purl, licence])).values()]
    .map(({ name, version, purl, kind }) => ({
      'bom-ref': purl,
      type: 'library',
      name,
      version,
      purl,
      // An SPDX expression may name several licences; a single identifier is one, too.
      licenses: [{ expression: kind }],
    }))
    .sort((a, b) => (a.purl < b.purl ? -1 : 1));
  const host = {
    'bom-ref': 'tabagent-host',
    type: 'application',
    name: 'tabagent-host',
    version,
    licenses: [{ expression: 'MIT' }],
    properties: [{ name: 'tabagent:target', value: target.name }],
  };
  const dependencies = [
    { ref: host['bom-ref'], dependsOn: components.map((component) => component['bom-ref']) },
    ...components.map((component) => ({ ref: component['bom-ref'], dependsOn: [] })),
  ];
  const bom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: host },
    components,
    dependencies,
  };
  return `${JSON.stringify(bom, null, 2)}\n`;
}
