import * as v from 'valibot';

export const SetHfTokenRequest = v.looseObject({
  /** A Hugging Face token. It is kept by the host and sent to the hub; no reply has it. */
  token: v.pipe(
    v.string(),
    v.trim(),
    v.regex(/^[\x21-\x7e]{1,4096}$/, 'a token: visible ASCII characters without spaces'),
  ),
});

const status = v.object({
  has_token: v.boolean(),
  /**
   * Where the token in use comes from: `HF_TOKEN`; `keychain`, the system's, where SET_HF_TOKEN put it; else the path of
   * the file it put it in, or of huggingface_hub's; or null.
   */
  source: v.nullable(v.string()),
  /** Whether SET_HF_TOKEN has given one, also where HF_TOKEN goes before it. */
  kept: v.boolean(),
  /** The hub it is sent to, and no other address. */
  endpoint: v.string(),
});

export const SetHfTokenPayload = status;
export const GetHfTokenStatusRequest = v.looseObject({});
export const GetHfTokenStatusPayload = status;
export const ClearHfTokenRequest = v.looseObject({});
export const ClearHfTokenPayload = status;
