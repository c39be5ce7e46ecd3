import temml from 'temml';

/** Deepest nesting of a formula, in TeX and in MathML. Browsers lay out deeper ones slowly. */
const MAX_DEPTH = 40;

/** Most elements of a formula: several times those of the longest real ones. */
const MAX_ELEMENTS = 1_500;

/** Largest space or rule, em: a formula cannot cover the page. */
const MAX_SIZE_EM = 10;

/** Most predefined macros that are expanded. */
const MAX_EXPANSIONS = 200;

/** Commands that define macros. Their expansion can be far longer than the formula. */
const DEFINITION = /\\(?:(?:re)?newcommand|providecommand|[egx]?def|let|futurelet|global|long)(?![a-zA-Z])/;

/** A node of the library's tree of MathML. */
interface MathNode {
  readonly children?: readonly MathNode[];
  readonly href?: string;
  toNode(): Element;
}

/**
 * Returns a formula in TeX as MathML. Undefined if it has an error, defines macros, or is too large. It never contains
 * links, images or attributes from the formula.
 */
export function renderFormula(tex: string, isDisplay: boolean): Element | undefined {
  if (DEFINITION.test(tex) || depthOf(tex) > MAX_DEPTH) return undefined;
  try {
    const tree: MathNode = temml.__renderToMathMLTree(tex, {
      displayMode: isDisplay,
      throwOnError: true,
      trust: false,
      maxExpand: MAX_EXPANSIONS,
      maxSize: [MAX_SIZE_EM, MAX_SIZE_EM],
    });
    return isSmall(tree) ? tree.toNode() : undefined;
  } catch {
    // The formula is shown as it was written.
    return undefined;
  }
}

/** Returns how deeply groups are nested, without regard to which delimiter ends which group. */
function depthOf(tex: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [mark] of tex.matchAll(/\\(?:begin|left|end|right)(?![a-zA-Z])|\\.|[{}]/gs)) {
    if (mark === '{' || mark === '\\begin' || mark === '\\left') deepest = Math.max(deepest, ++depth);
    else if (mark === '}' || mark === '\\end' || mark === '\\right') depth -= 1;
  }
  return deepest;
}

function isSmall(tree: MathNode): boolean {
  let count = 0;
  const fits = ({ children = [] }: MathNode, depth: number): boolean => {
    count += 1;
    return depth <= MAX_DEPTH && count <= MAX_ELEMENTS && children.every((child) => fits(child, depth + 1));
  };
  return fits(tree, 1);
}
