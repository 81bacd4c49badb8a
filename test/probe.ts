// Prints the value of the expression in its argument. Compiled as the service is, it shows what the
// executable's own Bun does, which the service itself runs no code to show.
const value: unknown = await new Function(`return (${process.argv[2]})`)();
console.log(JSON.stringify(value));

export {};
