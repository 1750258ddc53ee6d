// Says whether a password fits its hash, by argon2: a dependency with native code, which it brings for all systems.
import { verify } from 'argon2';

export const handler = async (event: { password: string; hash: string }): Promise<{ valid: boolean }> => ({
  valid: await verify(event.hash, event.password),
});
