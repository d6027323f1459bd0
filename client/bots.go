package client

// Bots is what bots say and claim.
type Bots struct{ client *Client }
