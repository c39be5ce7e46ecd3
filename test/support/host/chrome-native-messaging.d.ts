declare module 'chrome-native-messaging' {
  import type { Transform as NodeTransform } from 'node:stream';

  /** The package has no types. These describe the part that is used here. */
  const nativeMessaging: {
    Input: new () => NodeTransform;
    Output: new () => NodeTransform;
    Transform: new (
      handler: (message: unknown, push: (reply: unknown) => void, done: () => void) => void,
    ) => NodeTransform;
  };
  export default nativeMessaging;
}
