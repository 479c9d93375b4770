// Package arch holds the rules of the house as tests: which rooms there are, who
// may import whom, what pure rooms may not do, sizes, names, words, translations
// and the licences of everything that is linked. It has no code of its own.
package arch
