import { TemplateSyntaxError } from '../errors.ts';
import type { BlockStatement, Expression, MacroDefinition, Parameter, Statement, Target, Template } from './ast.ts';
import { ExpressionParser } from './expression-parser.ts';
import { tokenize } from './lexer.ts';
import { type KnownNames, NameTracker } from './name-tracker.ts';
import { TokenStream } from './token-stream.ts';

/**
 * Parses a template.
 *
 * @throws TemplateSyntaxError, TemplateLimitError
 */
export function parseTemplate(source: string, known: KnownNames): Template {
  return new StatementParser(new TokenStream(tokenize(source)), new NameTracker(known)).parseTemplate();
}

class StatementParser extends ExpressionParser {
  readonly #blocks = new Map<string, BlockStatement>();
  /** Number of loops in the current macro that enclose the current position: `break` needs one. */
  #loops = 0;

  parseTemplate(): Template {
    const { parsed: body, reads } = this.names.collectReads(() => this.#statements([]));
    this.names.assertKnown();
    return { body, blocks: this.#blocks, reads };
  }

  /** Parses statements up to a tag with one of these names, which becomes the current token. */
  #statements(ends: readonly string[]): Statement[] {
    const { stream } = this;
    const statements: Statement[] = [];
    for (;;) {
      const token = stream.current;
      switch (token.type) {
        case 'data':
          stream.next();
          statements.push({ kind: 'text', text: token.value });
          break;
        case 'variable_begin':
          stream.next();
          statements.push({ kind: 'output', expression: this.parseTuple() });
          stream.expectEnd('variable_end');
          break;
        case 'block_begin':
          stream.next();
          if (stream.isName(...ends)) return statements;
          statements.push(...stream.nested(() => this.#statement()));
          stream.expectEnd('block_end');
          break;
        default:
          if (ends.length === 0) return statements;
          throw stream.error(`Unexpected end of template. Expected ${ends.map((end) => `'${end}'`).join(' or ')}.`);
      }
    }
  }

  /** Parses the body of a block and consumes its end tag up to `%}`. */
  #body(end: string): Statement[] {
    const body = this.#bodyUpTo([end]);
    this.stream.next();
    return body;
  }

  #bodyUpTo(ends: readonly string[]): Statement[] {
    this.stream.skipOperator(':');
    this.stream.expectEnd('block_end');
    return this.#statements(ends);
  }

  #statement(): readonly Statement[] {
    const { stream } = this;
    const { line } = stream.current;
    const tag = stream.expectIdentifier();
    switch (tag) {
      case 'if':
        return [this.#if()];
      case 'for':
        return [this.names.withLeniency(false, () => this.#for())];
      case 'set':
        return [this.#set()];
      case 'macro':
        return [this.#macro()];
      case 'call':
        return [this.#callBlock()];
      case 'filter':
        return [this.#filterBlock()];
      case 'with':
        return [this.names.withLeniency(false, () => this.#with())];
      case 'block':
        return [this.names.withLeniency(false, () => this.#block(line))];
      case 'autoescape': {
        const enabled = this.parseExpression();
        return [
          { kind: 'autoescape', enabled, body: this.names.withLeniency(false, () => this.#body('endautoescape')) },
        ];
      }
      case 'generation':
        return [{ kind: 'generation', body: this.#outsideLoops(() => this.#body('endgeneration')) }];
      case 'print':
        return this.#print();
      case 'break':
      case 'continue':
        if (this.#loops === 0) throw new TemplateSyntaxError(`'${tag}' outside loop`, line);
        return [{ kind: tag }];
      case 'include':
      case 'import':
      case 'from':
      case 'extends':
        while (stream.current.type !== 'block_end' && stream.current.type !== 'eof') stream.next();
        return [{ kind: 'load', tag }];
      default:
        throw new TemplateSyntaxError(`Encountered unknown tag '${tag}'.`, line);
    }
  }

  #if(): Statement {
    const { stream } = this;
    return this.names.withLeniency(true, () => {
      const branches: { test: Expression; body: Statement[] }[] = [];
      let otherwise: Statement[] = [];
      do {
        const test = this.parseTuple({ conditional: false });
        branches.push({ test, body: this.#bodyUpTo(['elif', 'else', 'endif']) });
      } while (stream.skipName('elif'));
      if (stream.skipName('else')) otherwise = this.#body('endif');
      else stream.next();
      return { kind: 'if', branches, otherwise };
    });
  }

  #for(): Statement {
    const { stream } = this;
    const target = this.parseTarget();
    assertNotLoop(target, stream);
    stream.expectName('in');
    const iterable = this.parseTuple({ conditional: false });
    const condition = stream.skipName('if') ? this.parseExpression() : undefined;
    const recursive = stream.skipName('recursive');
    this.#loops += 1;
    const body = this.#bodyUpTo(['endfor', 'else']);
    this.#loops -= 1;
    let otherwise: Statement[] = [];
    if (stream.skipName('else')) otherwise = this.#body('endfor');
    else stream.next();
    return { kind: 'for', target, iterable, condition, recursive, body, otherwise };
  }

  #set(): Statement {
    const target = this.parseTarget({ namespaces: true });
    if (this.stream.skipOperator('=')) return { kind: 'set', target, value: this.parseTuple() };
    return this.names.withLeniency(false, () => {
      const filter = this.parseFilters(undefined);
      return { kind: 'setBlock', target, filter, body: this.#body('endset') };
    });
  }

  #macro(): Statement {
    const name = this.parseTargetName();
    return { kind: 'macro', name, definition: this.#definition(name, this.#parameters(), 'endmacro') };
  }

  #callBlock(): Statement {
    const parameters = this.stream.isOperator('(') ? this.#parameters() : [];
    const call = this.parseExpression();
    if (call.kind !== 'call') throw this.stream.error('expected call');
    return { kind: 'callBlock', call, definition: this.#definition(undefined, parameters, 'endcall') };
  }

  #definition(name: string | undefined, parameters: readonly Parameter[], end: string): MacroDefinition {
    const { parsed, reads } = this.names.collectReads(() => this.#outsideLoops(() => this.#body(end)));
    const own = new Set(parameters.map((parameter) => parameter.name));
    if (reads.has('caller') && parameters.some(({ name: own, fallback }) => own === 'caller' && !fallback)) {
      throw this.stream.error('the special "caller" argument must be omitted or be given a default');
    }
    const isRead = (special: string) => reads.has(special) && !own.has(special);
    return {
      name,
      parameters,
      body: parsed,
      reads: { caller: isRead('caller'), kwargs: isRead('kwargs'), varargs: isRead('varargs') },
    };
  }

  #parameters(): Parameter[] {
    const { stream } = this;
    stream.expectOperator('(');
    const parameters: Parameter[] = [];
    while (!stream.isOperator(')')) {
      if (parameters.length > 0) stream.expectOperator(',');
      const name = this.parseTargetName();
      if (parameters.some((other) => other.name === name)) throw stream.error(`duplicate argument '${name}'`);
      const fallback = stream.skipOperator('=') ? this.parseExpression() : undefined;
      if (fallback === undefined && parameters.at(-1)?.fallback !== undefined) {
        throw stream.error('non-default argument follows default argument');
      }
      parameters.push({ name, fallback });
    }
    stream.expectOperator(')');
    return parameters;
  }

  #filterBlock(): Statement {
    return this.names.withLeniency(false, () => {
      const filter = this.parseFilters(undefined, true);
      if (filter === undefined) throw this.stream.unexpected('a filter');
      return { kind: 'filterBlock', filter, body: this.#body('endfilter') };
    });
  }

  #with(): Statement {
    const { stream } = this;
    const bindings: (readonly [Target, Expression])[] = [];
    while (stream.current.type !== 'block_end') {
      if (bindings.length > 0) stream.expectOperator(',');
      const target = this.parseTarget();
      stream.expectOperator('=');
      bindings.push([target, this.parseExpression()]);
    }
    return { kind: 'with', bindings, body: this.#body('endwith') };
  }

  #block(line: number): Statement {
    const { stream } = this;
    const name = stream.expectIdentifier();
    if (this.#blocks.has(name)) throw new TemplateSyntaxError(`block '${name}' defined twice`, line);
    const scoped = stream.skipName('scoped');
    const required = stream.skipName('required');
    const body = this.#outsideLoops(() => this.#body('endblock'));
    if (required && body.some((part) => part.kind !== 'text' || part.text.trim() !== '')) {
      throw new TemplateSyntaxError('Required blocks can only contain comments or whitespace', line);
    }
    stream.skipName(name);
    const block: BlockStatement = { kind: 'block', name, scoped, required, body };
    this.#blocks.set(name, block);
    return block;
  }

  #print(): Statement[] {
    const printed: Statement[] = [];
    while (this.stream.current.type !== 'block_end') {
      if (printed.length > 0) this.stream.expectOperator(',');
      printed.push({ kind: 'output', expression: this.parseExpression() });
    }
    return printed;
  }

  /** Parses a body in which `break` and `continue` do not affect enclosing loops. */
  #outsideLoops<T>(parse: () => T): T {
    const loops = this.#loops;
    this.#loops = 0;
    const parsed = this.names.withLeniency(false, parse);
    this.#loops = loops;
    return parsed;
  }
}

function assertNotLoop(target: Target, stream: TokenStream): void {
  if (target.kind === 'tuple') for (const item of target.items) assertNotLoop(item, stream);
  else if (target.name === 'loop') throw stream.error("Can't assign to special loop variable in for-loop target");
}
