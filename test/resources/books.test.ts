// What every resource promises, and below it what books alone promise.
import { books } from "../../src/books.ts";
import { resourceContract } from "./contract.ts";

resourceContract(books);
