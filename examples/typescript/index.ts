// Says whether a password fits its hash, with argon2: a dependency that brings native code for all systems.
import { verify } from 'argon2';

export const handler = async (event: { password: string; hash: string }): Promise<{ valid: boolean }> => ({
  valid: await verify(event.hash, event.password),
});
