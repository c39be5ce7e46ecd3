import type { JsonObject } from '../common/json.ts';
import type { CallFormat } from './call-format.ts';
import { writePython } from './notations.ts';

/** A call as a message contains it. */
interface WrittenCall {
  readonly name: string;
  readonly arguments: JsonObject;
}

/** Writes calls in a model's format; undefined for formats whose calls only their templates can write. */
export function writeCalls(
  { triggers: [trigger = ''], shape }: CallFormat,
  calls: readonly WrittenCall[],
): string | undefined {
  if (shape.kind === 'python') {
    const written = calls.map(({ name, arguments: given }) => {
      const members = Object.entries(given).map(([key, value]) => `${key}=${writePython(value ?? null)}`);
      return `${name}(${members.join(', ')})`;
    });
    return `${trigger}[${written.join(', ')}]${shape.close}`;
  }
  if (shape.kind !== 'json' || shape.id !== undefined) return undefined;
  const written = calls.map(({ name, arguments: given }) =>
    JSON.stringify({ [shape.name]: name, [shape.arguments]: given }),
  );
  return shape.isList
    ? `${trigger}[${written.join(', ')}]${shape.close}`
    : written.map((call) => `${trigger}\n${call}\n${shape.close}`.trim()).join('\n');
}
