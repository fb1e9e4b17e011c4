// book.ts: what the platform's stand-in knows when it starts: accounts with their people, and wholesale purchases.
import { z } from 'zod';

const user = z.strictObject({ id: z.string(), email: z.string(), name: z.string(), phone: z.string().default('') });
const account = z.strictObject({
  /** Account group, AG-XXXXXXXXXX [1P] 2.1. */
  id: z.string(),
  name: z.string(),
  countryCode: z.string().default(''),
  regionCode: z.string().default(''),
  city: z.string().default(''),
  /** As people typed them: formatting and extensions are allowed [1P] 2.4.3. */
  phoneNumbers: z.array(z.string()).max(3).default([]),
  /** Not unique [1P] 2.4.3. */
  customerIdentifier: z.string().default(''),
  salesPerson: z.string().default(''),
  users: z.array(user).default([]),
});
const purchase = z.strictObject({
  id: z.string(),
  /** RFC 3339. */
  createdAt: z.string(),
  statusCode: z.enum(['draft', 'due', 'overdue', 'paid', 'uncollectible']),
  currencyCode: z.string(),
  /** Minor units, unlike every Premium file [1P] 2.5. */
  total: z.number().int(),
  taxAmount: z.number().int().default(0),
  discountAmount: z.number().int().default(0),
  customerId: z.string(),
});

export const platformBook = z.strictObject({
  partnerId: z.string().default('ABC1'),
  accounts: z.array(account).default([]),
  purchases: z.array(purchase).default([]),
});
export type PlatformBook = z.infer<typeof platformBook>;
