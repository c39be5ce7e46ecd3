import { Callable } from './callable.ts';
import { Float } from './float.ts';
import { bitLength, toInteger } from './integers.ts';
import type { Value } from './value.ts';

/** Returns an attribute of an integer or float; undefined for other types and names. */
export function numberAttribute(value: Value, name: string): Value | undefined {
  const integer = toInteger(value);
  if (integer === undefined && !(value instanceof Float)) return undefined;
  const method = (result: () => Value) =>
    new Callable(
      name,
      (_, args) => {
        args.bind(name, []);
        return result();
      },
      'method',
    );
  switch (name) {
    case 'real':
      return integer ?? value;
    case 'imag':
      return integer === undefined ? new Float(0) : 0;
    case 'conjugate':
      return method(() => integer ?? value);
    case 'numerator':
      return integer;
    case 'denominator':
      return integer === undefined ? undefined : 1;
    case 'bit_length':
      return integer === undefined ? undefined : method(() => exactBitLength(integer));
    case 'is_integer':
      return value instanceof Float ? method(() => Number.isInteger(value.value)) : undefined;
    default:
      return undefined;
  }
}

function exactBitLength(integer: number | bigint): number {
  if (typeof integer === 'number') return bitLength(integer);
  return (integer < 0n ? -integer : integer).toString(2).length;
}
