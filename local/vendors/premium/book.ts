// book.ts: what Premium's stand-in reports from: customers and their open invoices, in minor units as decimal strings.
import { z } from 'zod';

const minor = z.string().regex(/^-?\d+$/, 'minor units as a whole number, such as "107800"');
const date = z.iso.date();

export const premiumBook = z.strictObject({
  customers: z.array(
    z.strictObject({ id: z.string(), name: z.string(), address: z.string().default(''), salesperson: z.string().default('') }),
  ),
  invoices: z.array(
    z.strictObject({
      number: z.string(),
      customerId: z.string(),
      currency: z.string(),
      totalMinor: minor,
      openMinor: minor,
      issued: date,
      due: date,
    }),
  ),
});
export type PremiumBook = z.infer<typeof premiumBook>;
