import type { Licence } from './licences.ts';
import type { Target } from './target.ts';

/** Name of the software bill of materials in a package. */
export const SBOM = 'sbom.cdx.json';

/**
 * Returns the bill of materials of a package as JSON, in CycloneDX 1.6 format. It has no date, so that packages are
 * reproducible.
 */
export function sbomText(options: { version: string; target: Target; licences: readonly Licence[] }): string {
  const { version, target, licences } = options;
  const components = [...new Map(licences.map((licence) => [licence.purl, licence])).values()]
    .map(({ name, version, purl, kind }) => ({
      'bom-ref': purl,
      type: 'library',
      name,
      version,
      purl,
      // package.json may contain an SPDX expression with several licences. A single identifier is a valid expression,
      // too.
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
