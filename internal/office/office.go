// Package office holds the configuration of the box: one typed document of about
// fifteen kinds of object, its field schema, its rules, its versions, their
// difference and undo. It never stores a person's name or a secret in the
// document: people are pseudonyms (internal/privacy keeps the names), secrets are
// handles (Secrets keeps them encrypted). It runs no goroutine.
package office
