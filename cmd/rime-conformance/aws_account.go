package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// account is a simulated AWS account: what speaks to it, as Amazon's SDK and as the provider's own client.
type account struct {
	url    string
	ecr    *ecr.Client
	iam    *iam.Client
	sts    *sts.Client
	client *awsregistry.Client
}

// onlySimulated takes the user's own AWS configuration and credentials out of this process and those it starts: whatever is done here is done to stand-ins.
var onlySimulated = sync.OnceValue(func() error {
	var errs []error
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			errs = append(errs, os.Unsetenv(name))
		}
	}
	for name, value := range map[string]string{
		"AWS_REGION": aws.DefaultRegion, "AWS_ACCESS_KEY_ID": aws.AccessKeyID, "AWS_SECRET_ACCESS_KEY": aws.SecretAccessKey,
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		errs = append(errs, os.Setenv(name, value))
	}
	return errors.Join(errs...)
})

// newAccount makes the clients of an account in a region. They do not repeat what fails, and the provider's own believes its first look.
func newAccount(url, region string) (*account, error) {
	if err := onlySimulated(); err != nil {
		return nil, err
	}
	config := sdk.Config{
		BaseEndpoint: &url, Region: region, HTTPClient: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute},
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey}, nil
		}),
		Retryer: func() sdk.Retryer { return sdk.NopRetryer{} },
	}
	client, err := awsregistry.New(awsregistry.Config{
		Region: region, Endpoints: awsregistry.Endpoints{ECR: url, IAM: url, STS: url}, Transport: &http.Transport{}, Options: awsregistry.Options{Confirmations: 1, Retries: -1},
	})
	return &account{url, ecr.NewFromConfig(config), iam.NewFromConfig(config), sts.NewFromConfig(config), client}, err
}

// startSandbox starts our own stand-in of AWS. Its registry has the address that AWS's would have, as moto's has.
func startSandbox() (*account, func(), error) {
	server, err := aws.Start(aws.Options{Host: aws.DefaultAccount + ".dkr.ecr." + aws.DefaultRegion + ".amazonaws.com"})
	if err != nil {
		return nil, nil, err
	}
	stop := func() { _ = server.Close() } // nothing of it is needed any more
	a, err := newAccount(server.URL, aws.DefaultRegion)
	if err != nil {
		stop()
	}
	return a, stop, err
}

// startMoto starts moto in its virtual environment.
func startMoto(ctx context.Context, venv, dir string) (*account, func(), error) {
	if err := writeScripts(dir); err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, venv, "-W", "ignore", filepath.Join(dir, "serve_moto.py"))
	var problems strings.Builder
	cmd.Stderr = &problems
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	stop := func() {
		_ = input.Close() // which ends it
		_ = cmd.Wait()    // however it ends
	}
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }) // then there is no address to read, and its last words are told
	url, err := bufio.NewReader(io.LimitReader(output, 1<<10)).ReadString('\n')
	late.Stop()
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("start moto: %w\n%s", errors.Join(err, context.Cause(ctx)), problems.String())
	}
	a, err := newAccount(strings.TrimSpace(url), aws.DefaultRegion)
	if err != nil {
		stop()
	}
	return a, stop, err
}
