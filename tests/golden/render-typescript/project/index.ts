// Answers each event with its name's UUID, made by a dependency.
import { v5 as uuid } from 'uuid';

export const handler = async (event: { name: string }): Promise<{ id: string }> => ({
  id: uuid(event.name, uuid.DNS),
});
