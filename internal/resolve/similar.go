package resolve

import (
	"context"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/similar"
)

// confusions are names that people write for others: what is imported, what was renamed, what it is called in other places.
var confusions = map[string][]string{
	"attr": {"attrs"}, "beautifulsoup": {"beautifulsoup4"}, "bs4": {"beautifulsoup4"}, "crypto": {"pycryptodome"}, "cv": {"opencv-python"},
	"cv2": {"opencv-python", "opencv-python-headless"}, "dateutil": {"python-dateutil"}, "docx": {"python-docx"}, "dotenv": {"python-dotenv"}, "faiss": {"faiss-cpu"},
	"fitz": {"pymupdf"}, "git": {"gitpython"}, "grpc": {"grpcio"}, "haystack": {"haystack-ai"}, "imblearn": {"imbalanced-learn"},
	"jose": {"python-jose"}, "jwt": {"pyjwt"}, "kafka": {"kafka-python"}, "ldap": {"python-ldap"}, "levenshtein": {"python-levenshtein"},
	"llama-cpp": {"llama-cpp-python"}, "magic": {"python-magic"}, "mpl": {"matplotlib"}, "multipart": {"python-multipart"}, "mysql": {"mysqlclient", "pymysql"},
	"mysqldb": {"mysqlclient"}, "np": {"numpy"}, "open-cv": {"opencv-python"}, "opencv": {"opencv-python", "opencv-python-headless"}, "osgeo": {"gdal"}, "pd": {"pandas"},
	"pil": {"pillow"}, "postgres": {"psycopg"}, "pptx": {"python-pptx"}, "psycopg-2": {"psycopg2"}, "pyqt": {"pyqt5"},
	"pytorch": {"torch"}, "sentence-transformer": {"sentence-transformers"}, "serial": {"pyserial"}, "sk-learn": {"scikit-learn"},
	"skimage": {"scikit-image"}, "sklearn": {"scikit-learn"}, "slack": {"slack-sdk"}, "socketio": {"python-socketio"}, "spark": {"pyspark"}, "sql-alchemy": {"sqlalchemy"},
	"tensorboard-x": {"tensorboardx"}, "tf": {"tensorflow"}, "tf2": {"tensorflow"}, "torch-vision": {"torchvision"}, "usb": {"pyusb"}, "wx": {"wxpython"}, "xgb": {"xgboost"},
	"yaml": {"pyyaml"}, "zmq": {"pyzmq"},
}

// wellKnown are names that are often misspelt because they are often written.
var wellKnown = strings.Fields(`accelerate aiohttp alembic apache-airflow asyncpg attrs bentoml beautifulsoup4 bitsandbytes black bokeh boto3 botocore
	catboost celery certifi click cloudpickle cryptography dask databricks-sdk datasets dbt-core deepspeed diffusers distributed django docker duckdb dvc
	evaluate fastapi fastparquet feast flask fsspec gensim geopandas google-cloud-aiplatform google-cloud-bigquery google-cloud-storage gradio great-expectations grpcio
	gunicorn h5py httpx huggingface-hub hydra-core imbalanced-learn ipykernel ipython jax jinja2 joblib jsonschema jupyter jupyterlab kedro keras kubernetes
	langchain lightgbm lightning llama-index loguru lxml matplotlib mlflow networkx nltk notebook numba numpy onnx onnxruntime openai opencv-python openpyxl optuna
	packaging pandas pillow pip plotly polars prefect prometheus-client protobuf psutil psycopg2 psycopg2-binary pyarrow pydantic pyspark pytest python-dateutil
	pytorch-lightning pyyaml ray redis regex requests rich ruamel-yaml s3fs sagemaker scikit-image scikit-learn scipy seaborn sentence-transformers sentencepiece
	setuptools shap six snowflake-connector-python spacy sqlalchemy statsmodels streamlit tabulate tenacity tensorboard tensorflow tiktoken tokenizers torch torchaudio
	torchvision tqdm transformers typer typing-extensions urllib3 uvicorn virtualenv wandb weasyprint wheel xarray xgboost zarr`)

const (
	// maxSimilar is how many names are proposed, and maxAsked how many an index is asked for.
	maxSimilar, maxAsked = 3, 6
)

// similar are names that may have been meant, and that the indexes have. A name that is known may still be none that was meant:
// some have nothing but a note that says so.
func (r *resolution) similar(ctx context.Context, name string, unknown bool) []string {
	var found []string
	asked := 0
	likely := confusions[name]
	if unknown {
		likely = proposals(name, r.named)
	}
	for _, proposal := range likely {
		if len(found) == maxSimilar || asked == maxAsked {
			break
		}
		asked++
		// An index that does not answer now has nothing to propose.
		if all, err := r.finder.options(ctx, proposal); err == nil && len(all.fresh) > 0 {
			found = append(found, proposal)
		}
	}
	return found
}

// proposals are names that may have been meant, the likeliest first. Named are those that the request has besides.
func proposals(name string, named []string) []string {
	all := slices.Clone(confusions[name])
	compact := strings.ReplaceAll(name, "-", "")
	for _, known := range slices.Concat(named, wellKnown) {
		if strings.ReplaceAll(known, "-", "") == compact {
			all = append(all, known)
		}
	}
	for most := 1; most <= mistakes(name); most++ {
		for _, known := range slices.Concat(named, wellKnown) {
			if similar.Distance(name, known, most) == most {
				all = append(all, known)
			}
		}
	}
	all = append(all, "python-"+name, "py"+name, name+"-python")
	if short, found := strings.CutPrefix(name, "python-"); found {
		all = append(all, short)
	}
	var distinct []string
	for _, proposal := range all {
		if proposal != name && !slices.Contains(distinct, proposal) {
			distinct = append(distinct, proposal)
		}
	}
	return distinct
}

// mistakes is how many a name of that length may have, and still be known.
func mistakes(name string) int {
	switch {
	case len(name) < 4:
		return 0
	case len(name) < 7:
		return 1
	}
	return 2
}
