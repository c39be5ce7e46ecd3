import type { Value } from '../values/value.ts';

export type UnaryOperator = '-' | '+' | 'not';
export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';
export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

/** An expression. */
export type Expression =
  | { readonly kind: 'constant'; readonly value: Value }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list' | 'tuple'; readonly items: readonly Expression[] }
  | { readonly kind: 'dict'; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: 'attribute'; readonly object: Expression; readonly name: string }
  | { readonly kind: 'item'; readonly object: Expression; readonly key: Expression }
  | SliceExpression
  | CallExpression
  | FilterExpression
  | TestExpression
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'concat'; readonly parts: readonly Expression[] }
  | { readonly kind: 'compare'; readonly first: Expression; readonly rest: readonly Comparison[] }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'conditional';
      readonly test: Expression;
      readonly then: Expression;
      readonly otherwise: Expression | undefined;
    };

export interface Comparison {
  readonly operator: CompareOperator;
  readonly operand: Expression;
}

export interface SliceExpression {
  readonly kind: 'slice';
  readonly object: Expression;
  readonly start: Expression | undefined;
  readonly stop: Expression | undefined;
  readonly step: Expression | undefined;
}

/** The arguments of a call: `f(a, b=c, *d, **e)`. */
export interface ArgumentList {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [string, Expression])[];
  readonly spread: Expression | undefined;
  readonly spreadNamed: Expression | undefined;
}

export interface CallExpression {
  readonly kind: 'call';
  readonly callee: Expression;
  readonly arguments: ArgumentList;
}

export interface FilterExpression {
  readonly kind: 'filter';
  readonly name: string;
  /** Undefined for the first filter of a `{% filter %}` or `{% set %}` block, whose input is the block's output. */
  readonly input: Expression | undefined;
  readonly arguments: ArgumentList;
}

export interface TestExpression {
  readonly kind: 'test';
  readonly name: string;
  readonly input: Expression;
  readonly arguments: ArgumentList;
}

/** The target of an assignment. */
export type Target =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'namespace'; readonly name: string; readonly attribute: string }
  | { readonly kind: 'tuple'; readonly items: readonly Target[] };

/** A parameter of a macro or a call block. */
export interface Parameter {
  readonly name: string;
  readonly fallback: Expression | undefined;
}

/** The parameters and body of a macro or of a call block. */
export interface MacroDefinition {
  readonly name: string | undefined;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
  /** The special variables that the body reads. */
  readonly reads: { readonly caller: boolean; readonly kwargs: boolean; readonly varargs: boolean };
}

export interface ForStatement {
  readonly kind: 'for';
  readonly target: Target;
  readonly iterable: Expression;
  readonly condition: Expression | undefined;
  readonly recursive: boolean;
  readonly body: readonly Statement[];
  readonly otherwise: readonly Statement[];
}

export interface BlockStatement {
  readonly kind: 'block';
  readonly name: string;
  readonly scoped: boolean;
  readonly required: boolean;
  readonly body: readonly Statement[];
}

/** A statement, or text outside tags. */
export type Statement =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly expression: Expression }
  | {
      readonly kind: 'if';
      readonly branches: readonly { readonly test: Expression; readonly body: readonly Statement[] }[];
      readonly otherwise: readonly Statement[];
    }
  | ForStatement
  | { readonly kind: 'set'; readonly target: Target; readonly value: Expression }
  | {
      readonly kind: 'setBlock';
      readonly target: Target;
      readonly filter: Expression | undefined;
      readonly body: readonly Statement[];
    }
  | { readonly kind: 'macro'; readonly name: string; readonly definition: MacroDefinition }
  | { readonly kind: 'callBlock'; readonly call: CallExpression; readonly definition: MacroDefinition }
  | { readonly kind: 'filterBlock'; readonly filter: Expression; readonly body: readonly Statement[] }
  | {
      readonly kind: 'with';
      readonly bindings: readonly (readonly [Target, Expression])[];
      readonly body: readonly Statement[];
    }
  | { readonly kind: 'autoescape'; readonly enabled: Expression; readonly body: readonly Statement[] }
  /** `{% generation %}`, which marks the assistant's output for training. It has its own scope. */
  | { readonly kind: 'generation'; readonly body: readonly Statement[] }
  | BlockStatement
  /** `include`, `import`, `from` and `extends`, which fail when executed: there are no other templates to load. */
  | { readonly kind: 'load'; readonly tag: string }
  | { readonly kind: 'break' | 'continue' };

/** A parsed template. */
export interface Template {
  readonly body: readonly Statement[];
  readonly blocks: ReadonlyMap<string, BlockStatement>;
  /** Names of the variables that the template reads. */
  readonly reads: ReadonlySet<string>;
}
