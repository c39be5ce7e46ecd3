import { type CallerId, originOf } from '../../web-ai/access.ts';

/** The part of `runtime.MessageSender` that identifies a page. */
export interface PageSender {
  readonly origin?: string | undefined;
  readonly frameId?: number | undefined;
  readonly tab?: { readonly url?: string | undefined } | undefined;
}

/**
 * Returns the sites that the user must have allowed for a document to be served, its own first: for a frame, also that of
 * the page in the tab. Returns undefined for a document without an origin, such as a sandboxed frame, whose address names
 * a site that it does not belong to.
 */
export function sitesOf({ origin, frameId, tab }: PageSender): CallerId[] | undefined {
  const own = origin === 'null' ? undefined : originOf(origin);
  if (own === undefined || own !== origin) return undefined;
  if (frameId === 0) return [{ kind: 'site', id: own }];
  // The browser reveals the address of a tab only if the user has allowed its site.
  const top = originOf(tab?.url);
  if (top === undefined) return undefined;
  return top === own
    ? [{ kind: 'site', id: own }]
    : [
        { kind: 'site', id: own },
        { kind: 'site', id: top },
      ];
}
