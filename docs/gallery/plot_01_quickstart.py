"""
Search similar texts with few labels
====================================

Learn 32-bit codes of short medical texts, of which one in twenty is labeled, search
them, and compare them with exact search by TF-IDF features.
"""

import matplotlib.pyplot as plt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split

from skhash import ITQHasher, RerankedNearestNeighbors, SSBVAEHasher
from skhash.datasets import load_icd10cm
from skhash.model_selection import mask_labels
from skhash.plot import PrecisionAtKDisplay

# %%
# The diagnoses of ICD-10-CM have 22 chapters, which are the classes. A sample of 6,000
# is enough here. ``mask_labels`` replaces 95 % of the labels by -1.

corpus = load_icd10cm()
texts, queries, y, y_query = train_test_split(
    corpus.data, corpus.target, train_size=6000, test_size=500, random_state=0
)
few = mask_labels(y, 0.05, random_state=0)

tfidf = TfidfVectorizer(sublinear_tf=True)
X, X_query = tfidf.fit_transform(texts), tfidf.transform(queries)

# %%
# Fit the hasher and encode. Codes are zeros and ones, one column per bit.

hasher = SSBVAEHasher(random_state=0).fit(X, few)
codes = hasher.transform(X)
print(codes.shape, codes.dtype)

# %%
# A code encodes the topic of a text, so that many texts share a code. Let the codes
# find candidates, and order these by the cosine of their features.

search = RerankedNearestNeighbors(
    FrozenEstimator(hasher), n_neighbors=5, rerank_factor=100
).fit(X)
query = "type 2 diabetes with kidney complications"
_, indices = search.kneighbors(tfidf.transform([query]))
for i in indices[0]:
    print(texts[i])

# %%
# How many of the k nearest samples are of the chapter of the query? The nearest few
# share words with the query, and the features find them best. Further down the ranking
# the codes are ahead, since they encode the topic.

itq = ITQHasher(random_state=0).fit(X)
options = {"k": (1, 3, 10, 30, 100, 300)}
display = PrecisionAtKDisplay.from_estimator(
    hasher, X, y, X_query, y_query, name="SSBVAEHasher, 5 % of the labels", **options
)
options["ax"] = display.ax_
PrecisionAtKDisplay.from_estimator(
    itq, X, y, X_query, y_query, name="ITQHasher, no labels", **options
)
PrecisionAtKDisplay.from_predictions(
    X, y, X_query, y_query, metric="cosine", name="TF-IDF, exact", **options
)
plt.show()
