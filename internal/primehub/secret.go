package primehub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
)

// secretPrefix begins the ids of all image pull secrets (CONTRACT §3.2).
const secretPrefix = "image-"

// Secret is an image pull secret. What it holds is never read.
type Secret struct {
	// ID is what images and builds refer to: "image-" and the name.
	ID   string
	Name string
}

// Secrets lists the image pull secrets, by name. Everybody who may log in sees them. The secret with which the platform pushes what it builds is not among them, though images that were built
// refer to it.
func (c *Client) Secrets(ctx context.Context) ([]Secret, error) {
	answer, err := wire.ListSecrets(ctx, c, wire.SecretWhereInput{IfDockerConfigJson: true})
	if err != nil {
		return nil, err
	}
	secrets := make([]Secret, 0, len(answer.Secrets))
	for _, secret := range answer.Secrets {
		secrets = append(secrets, Secret{ID: secret.Id, Name: secret.Name})
	}
	slices.SortFunc(secrets, func(a, b Secret) int { return strings.Compare(a.Name, b.Name) })
	return secrets, nil
}

// Secret finds an image pull secret by its id, or by its name as PrimeHub's portal shows it. One that is not there is [ErrNotFound].
func (c *Client) Secret(ctx context.Context, idOrName string) (Secret, error) {
	secrets, err := c.Secrets(ctx)
	if err != nil {
		return Secret{}, err
	}
	for _, fits := range []func(Secret) bool{
		func(s Secret) bool { return s.ID == idOrName },
		func(s Secret) bool { return s.Name == idOrName },
	} {
		if i := slices.IndexFunc(secrets, fits); i >= 0 {
			return secrets[i], nil
		}
	}
	return Secret{}, fmt.Errorf("image pull secret %q: %w", idOrName, ErrNotFound)
}

// SecretMeant finds the secret that somebody means who gives its name where its id belongs. The platform takes any text for an id, and then waits for a secret that does not exist. There is
// none for an id, nor for what the platform does not list: it may have other secrets.
func (c *Client) SecretMeant(ctx context.Context, text string) (meant Secret, found bool, err error) {
	if text == "" {
		return Secret{}, false, nil
	}
	listed, err := c.secrets.get(func([]Secret) bool { return true }, func() ([]Secret, error) { return c.Secrets(ctx) })
	if err != nil || slices.ContainsFunc(listed, func(s Secret) bool { return s.ID == text }) {
		return Secret{}, false, err
	}
	c.secrets.forget() // somebody may have made it since
	meant, err = c.Secret(ctx, text)
	if errors.Is(err, ErrNotFound) {
		return Secret{}, false, nil
	}
	return meant, err == nil && meant.ID != text, err
}

// secretMissing tells whether a pull secret is certainly not there, and what to do about it. That can be told only of those that the platform lists, and of their names.
func (c *Client) secretMissing(ctx context.Context, id string) (missing bool, hint string, err error) {
	if id == "" {
		return false, "", nil
	}
	secret, err := c.Secret(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound) && strings.HasPrefix(id, secretPrefix):
		return true, "Name an image pull secret that exists (PrimeHub's portal lists them in the image form), or leave it out for a public base image, then apply again.", nil
	case errors.Is(err, ErrNotFound):
		return false, "", nil
	case err == nil && secret.ID != id:
		return true, fmt.Sprintf("There is an image pull secret of that name, whose id is %q: write that, then apply again.", secret.ID), nil
	}
	return false, "", err
}
